{
  "target_defaults": {
    "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")", "native/common"],
    "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_CPP_EXCEPTIONS"],
    "cflags_cc!": ["-fno-exceptions", "-fno-rtti"],
    "cflags_cc": ["-std=c++17", "-fexceptions", "-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fvisibility=hidden"]
  },
  "targets": [
    {
      "target_name": "emp_core",
      "sources": ["<!@(node scripts/sources.mjs emp_core)"]
    }
  ],
  "conditions": [
    ["'<!(node scripts/sources.mjs --have-libbpf)'=='yes'", {
      "targets": [
        {
          "target_name": "emp_xdp",
          "sources": ["<!@(node scripts/sources.mjs emp_xdp)"],
          "libraries": ["-lbpf"]
        }
      ]
    }]
  ]
}
