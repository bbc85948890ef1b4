#pragma once

#include <napi.h>

namespace emp {

// listLinks(namespace): every link, with what ethtool and the netdev family add to it.
Napi::Value ListLinks(const Napi::CallbackInfo& info);

}  // namespace emp
