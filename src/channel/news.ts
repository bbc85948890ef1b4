import { distance } from '../arq/sequence.js';

/** The newest acknowledgement of a turn, and the most credit that came with it, until they are worked through. */
export class News {
  waits = false;
  acknowledgement = 0;
  credit = 0;

  note(acknowledgement: number, credit: number): void {
    const ahead = this.waits ? distance(this.acknowledgement, acknowledgement) : 0;
    if (ahead < 0) return;
    this.credit = this.waits && ahead === 0 ? Math.max(this.credit, credit) : credit;
    this.acknowledgement = acknowledgement;
    this.waits = true;
  }
}
