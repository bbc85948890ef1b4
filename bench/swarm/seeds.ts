/**
 * Seeds whose stories once went wrong: they are told before all others, each time. What a seed tells changes with the stories; the faults themselves are held by tests of
 * their own (`test/path/corners.test.ts`, `test/path/lies.test.ts`, `test/channel`).
 */
export const KNOWN: readonly number[] = [
  300464, // an ACCEPT of another host was taken for the awaited one: ids alone were looked at
  51366, // a NIC died before it was asked back: its machine was answered there for ever, though it was heard by another one
  100006739, // a list that somebody else had told in a peer's name, and a NIC that was pulled out: the peer was never found again
  505265858, // the NIC that a machine called by was given up before the other side had reached it: nobody could tell the two addresses were one machine's
  300597, // the mend of that asked whoever a forged frame named, and took him for the peer
];
