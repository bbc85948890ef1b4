// SPDX-License-Identifier: Apache-2.0
// Takes EMP's frames off an interface before the kernel's stack sees them: a frame of our EtherType that arrived on a queue
// with an AF_XDP socket goes to that socket, everything else goes on as if this program were not there (so ssh over the
// same interface goes on). No helper used here is reserved to GPL programs.
//
// `npm run build:bpf` compiles it; the object beside it is committed, so that installing needs no clang.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

// Bytes 12 and 13 of a frame, as a number in memory order. Set once, before the program is loaded.
volatile const __u16 emp_ether_type = 0;

// The sockets, by receive queue. The kernel takes a socket out when it is closed.
struct {
  __uint(type, BPF_MAP_TYPE_XSKMAP);
  __uint(max_entries, 1024);
  __type(key, __u32);
  __type(value, __u32);
} emp_sockets SEC(".maps");

struct ethernet_header {
  __u8 destination[6];
  __u8 source[6];
  __u16 type;
};

// "frags": a frame of several buffers (jumbo) is welcome; all that is read here lies in the first. The loader drops the flag
// where the kernel does not know it (before 5.18).
SEC("xdp.frags")
int emp_xdp(struct xdp_md* context) {
  const struct ethernet_header* header = (void*)(long)context->data;
  if ((void*)(header + 1) > (void*)(long)context->data_end) return XDP_PASS;
  if (header->type != emp_ether_type) return XDP_PASS;
  return bpf_redirect_map(&emp_sockets, context->rx_queue_index, XDP_PASS);
}

char emp_licence[] SEC("license") = "Apache-2.0";
