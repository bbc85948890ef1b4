// Properties that are read by a method. V8 lets methods of a class be called on its own objects only; of accessors that Node-API defines
// it does not, and one taken from its class and called on an object of another would read that as its own.
#pragma once

#include <napi.h>

#include <initializer_list>

namespace emp {

// The methods of these names, which DefineClass made configurable, become what their properties are read by.
inline Napi::Function ReadBy(Napi::Function constructor, std::initializer_list<const char*> names) {
  Napi::Env env = constructor.Env();
  Napi::Object prototype = constructor.Get("prototype").As<Napi::Object>();
  Napi::Function define = env.Global().Get("Object").As<Napi::Object>().Get("defineProperty").As<Napi::Function>();
  for (const char* name : names) {
    Napi::Object property = Napi::Object::New(env);
    property.Set("get", prototype.Get(name));
    define.Call({prototype, Napi::String::New(env, name), property});
  }
  return constructor;
}

}  // namespace emp
