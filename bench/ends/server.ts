import { Host } from '../../src/index.js';
import type { Opened, Serve } from './commands.js';
import { nicOf } from './lossyNic.js';
import { Service } from './service.js';

/** The server's end of a measurement that has both ends here. */
export class Server {
  private constructor(
    readonly host: Host,
    readonly service: Service,
  ) {}

  static async open(options: Serve): Promise<Server> {
    const host = await Host.open({ nic: nicOf(options), wait: options.wait });
    return new Server(host, new Service(host, options));
  }

  get opened(): Opened {
    return { address: this.host.address, info: this.host.nic.info };
  }

  async close(): Promise<void> {
    this.service.stop();
    await this.host.close({ force: true });
  }
}
