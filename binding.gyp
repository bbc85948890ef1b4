{
  "target_defaults": {
    "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_CPP_EXCEPTIONS", "NODE_ADDON_API_CPP_EXCEPTIONS_ALL",
                "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS"],
    "cflags_c": ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wno-unused-parameter"],
    "cflags_cc!": ["-fno-exceptions", "-fno-rtti"],
    "cflags_cc": ["-std=c++17", "-fexceptions", "-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-fvisibility=hidden"],
    "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")", "native/common"]
  },
  "targets": [
    {
      "target_name": "emp_core",
      "sources": ["<!@(node scripts/sources.mjs emp_core)"]
    },
    {
      "target_name": "flood_packet",
      "type": "executable",
      "sources": ["<!@(node scripts/sources.mjs flood_packet)"]
    },
    {
      "target_name": "flood_udp",
      "type": "executable",
      "sources": ["<!@(node scripts/sources.mjs flood_udp)"]
    },
    {
      "target_name": "pingpong_packet",
      "type": "executable",
      "sources": ["<!@(node scripts/sources.mjs pingpong_packet)"],
      "libraries": ["-lm"]
    },
    {
      "target_name": "pingpong_udp",
      "type": "executable",
      "sources": ["<!@(node scripts/sources.mjs pingpong_udp)"],
      "libraries": ["-lm"]
    }
  ],
  "conditions": [
    ["'<!(node scripts/sources.mjs --have-libbpf)'=='yes'", {
      "targets": [
        {
          "target_name": "emp_xdp",
          "sources": ["<!@(node scripts/sources.mjs emp_xdp)"],
          "libraries": ["-lbpf"]
        },
        {
          "target_name": "flood_xdp",
          "type": "executable",
          "sources": ["<!@(node scripts/sources.mjs flood_xdp)"],
          "libraries": ["-lbpf"]
        },
        {
          "target_name": "pingpong_xdp",
          "type": "executable",
          "sources": ["<!@(node scripts/sources.mjs pingpong_xdp)"],
          "libraries": ["-lbpf", "-lm"]
        }
      ]
    }]
  ]
}
