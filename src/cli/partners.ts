// Options that mean nothing without another one: that is said, not passed over in silence.
import type { Command } from 'commander';

import { ArgumentError } from '../errors.js';

/** For `hook('preAction', ...)`. Names as commander has them: `{ port: 'peer' }` says that --port is for --peer. */
export function partners(table: Readonly<Record<string, string>>): (command: Command) => void {
  return (command) => {
    const given = (name: string): boolean => command.getOptionValueSource(name) === 'cli';
    const flag = (name: string): string =>
      command.options.find((option) => option.attributeName() === name)?.long ?? name;
    for (const [name, partner] of Object.entries(table)) {
      if (!given(name) || given(partner)) continue;
      throw new ArgumentError(`${flag(name)} means nothing without ${flag(partner)}.`, {
        remedy: `Add ${flag(partner)}, or leave ${flag(name)} out.`,
      });
    }
  };
}
