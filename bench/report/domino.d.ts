// Its own types declare the name it was forked from. Only what the charts need.
declare module '@mixmark-io/domino' {
  /** A Document, whose type belongs to browsers. */
  export function createDocument(html: string): object;
}
