/** Sends the frames that carry no data. */
export interface ControlSink<Channel> {
  connect(channel: Channel): void;
  accept(channel: Channel): void;
  ack(channel: Channel): void;
  /** False: there was no memory or no room in the ring. */
  probe(channel: Channel): boolean;
  reset(channel: Channel, reason: number): void;
}

/** What a channel needs of the engine that it lives in. */
export interface ChannelOwner<Channel> {
  readonly control: ControlSink<Channel>;
  /** The channel has something to do at the end of this turn. */
  touch(channel: Channel): void;
  /** The channel is closed: forget it. */
  release(channel: Channel): void;
}
