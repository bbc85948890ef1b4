/**
 * TPACKET_V2, the ring format of AF_PACKET (linux/if_packet.h), as this driver lays it out. A ring is a row of slots. A slot begins
 * with a status word that says who owns it, kernel or process; it is written last, and whoever does not own the slot keeps
 * away from the rest.
 */

// Fields of struct tpacket2_hdr, as indexes of 32-bit words in the slot.
export const STATUS = 0;
/** Bytes on the wire. */
export const LENGTH = 1;
/** Bytes in the slot: less than LENGTH if the frame was cut. */
export const CAPTURED = 2;
/** tp_mac in the low half, tp_net in the high half (this driver is for little-endian machines, as Node's Linux builds are). */
export const OFFSETS = 3;
/** struct sockaddr_ll follows the header at 32; this word has sll_hatype, sll_pkttype and sll_halen. */
export const PACKET_TYPE = 10;

// Status of a receive slot.
export const RX_KERNEL = 0;
export const RX_USER = 1;
/** Frames were lost since PACKET_STATISTICS was last read. */
export const RX_LOSING = 4;

// Status of a transmit slot.
export const TX_AVAILABLE = 0;
export const TX_SEND_REQUEST = 1;

/** sll_pkttype: for another machine. It arrives when the interface is promiscuous, or carries a VLAN tag. */
export const PACKET_OTHERHOST = 3;

/**
 * The kernel puts the Ethernet payload at TPACKET_ALIGN(52 + 16): 52 bytes of header and address, at least 16 for the link's
 * header. PACKET_TX_HAS_OFF lets transmit slots have the same shape, so that an EMP frame is aligned to 16 bytes in
 * every slot and every pool frame.
 */
export const PAYLOAD = 80;
export const ETHERNET = PAYLOAD - 14;
export const RX_OFFSETS = ETHERNET | (PAYLOAD << 16);

/** struct virtio_net_hdr, before the Ethernet header of a transmit slot (PACKET_VNET_HDR). */
export const VNET_HEADER = 10;
export const VNET = ETHERNET - VNET_HEADER;
/** Its field hdr_len: how much of the frame the kernel copies instead of mapping the slot's page into the packet. */
export const VNET_HDR_LEN = VNET + 2;
