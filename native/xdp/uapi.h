// What newer kernels have and the headers of Debian 12 (linux-libc-dev 6.1) lack. The kernel answers for itself whether it
// knows them.
#pragma once

#include <linux/if_xdp.h>

#ifndef XDP_USE_SG
#define XDP_USE_SG (1 << 4)  // 6.6: a frame may take several descriptors
#endif
#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9  // 6.17: frames that one sendto carries in copy mode; 32 before
#endif
