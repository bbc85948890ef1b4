import { describe, expect, it } from 'vitest';

import { emp, everyCommand } from '../support/emp.js';

/** A value of an option that means something by itself, or the option without which it means nothing. */
type Partner = 'alone' | { needs: string; value?: string };

const json = { '--json': 'alone' } as const;
const pid = { needs: '--pid', value: '1' } as const;
const peer = (value: string): Partner => ({ needs: '--peer', value });

const place = {
  '--interface': peer('lo'),
  '--namespace': peer('emp-a'),
  '--queue': peer('1'),
  '--require': peer('native'),
  '--local': peer('127.0.0.1'),
  '--peer': { needs: '--driver', value: '127.0.0.1' },
} as const;

const alone = <Flag extends string>(...flags: Flag[]) =>
  Object.fromEntries(flags.map((flag) => [flag, 'alone'])) as Record<Flag, 'alone'>;

/** What the tests of `emp bench` have but ping-pong. */
const measured = {
  ...json,
  ...place,
  ...alone('--driver', '--size', '--seconds', '--rounds', '--warmup', '--slices', '--verify', '--seed', '--no-pin'),
  ...alone('--cores', '--mtu', '--html', '--csv'),
} as const;

/** Every option there is, each looked at for the flaw of being passed over in silence when another one is missing. */
const COMMANDS: Record<string, Record<string, Partner>> = {
  doctor: json,
  nics: { ...json, '--namespace': 'alone' },
  'testbed up': {
    ...json,
    '--name': 'alone',
    '--links': 'alone',
    '--mtu': 'alone',
    '--queues': 'alone',
    '--switched': 'alone',
  },
  'testbed down': { ...json, '--name': 'alone' },
  'testbed status': json,
  'testbed exec': { '--name': 'alone' },
  echo: {
    ...json,
    '--port': 'alone',
    '--fault': 'alone',
    '--driver': 'alone',
    // Whether a driver has a use for these is looked at for each.
    '--interface': 'alone',
    '--namespace': 'alone',
    '--queue': 'alone',
    '--require': 'alone',
    '--local': 'alone',
    '--wait': 'alone',
  },
  capture: {
    ...json,
    '--pid': { needs: '--write', value: '1' },
    '--host': pid,
    '--write': pid,
    '--count': pid,
    '--seconds': pid,
  },
  'bench all': {
    ...json,
    '--out': 'alone',
    '--html': 'alone',
    '--only': 'alone',
    '--skip': 'alone',
    '--driver': 'alone',
    '--rounds': 'alone',
    '--warmup': 'alone',
  },
  'bench pingpong': {
    ...json,
    '--driver': 'alone',
    ...place,
    '--wait': 'alone',
    '--size': 'alone',
    '--rounds': 'alone',
    '--seconds': 'alone',
    '--cores': 'alone',
    '--warmup': 'alone',
    '--baseline': 'alone',
    '--floor-mode': { needs: '--baseline', value: 'ring' },
    '--slices': { needs: '--baseline', value: '2' },
    '--mtu': 'alone',
    '--port': peer('7'),
    '--payload-check': 'alone',
    '--check-allocations': 'alone',
    '--no-pin': 'alone',
    '--csv': 'alone',
    '--html': 'alone',
    '--raw': 'alone',
  },
  'bench rate': { ...measured, ...alone('--no-baseline', '--floor-mode', '--wait') },
  'bench throughput': { ...measured, ...alone('--no-baseline', '--floor-mode', '--wait') },
  'bench requests': { ...measured, ...alone('--outstanding', '--no-baseline', '--floor-mode', '--wait', '--raw') },
  'bench load': { ...measured, ...alone('--outstanding', '--rate', '--no-baseline', '--wait', '--raw') },
  'bench connections': {
    ...measured,
    ...alone('--outstanding', '--channels', '--no-baseline', '--floor-mode', '--wait', '--raw'),
  },
  'bench depth': { ...measured, ...alone('--depth', '--no-baseline', '--floor-mode', '--wait', '--raw') },
  'bench loss': { ...measured, ...alone('--loss', '--wait', '--raw') },
  'bench idle': { ...measured, ...alone('--no-baseline', '--raw') },
  'bench failover': {
    ...json,
    ...alone('--driver', '--policy', '--wait', '--links', '--failures', '--every', '--kinds', '--size', '--no-pin'),
    ...alone('--html', '--csv'),
  },
  'bench peers': {
    ...json,
    ...alone('--quick', '--size', '--buffer', '--test', '--peer', '--driver', '--slices', '--rounds', '--warmup'),
    ...alone('--seconds', '--limit', '--no-pin', '--cores', '--mtu', '--csv'),
  },
  'bench report': {
    ...json,
    '--html': 'alone',
    '--title': { needs: '--html', value: 'x' },
    '--svg': { needs: '--figure', value: 'x.svg' },
    '--figure': { needs: '--svg', value: 'x' },
  },
  stat: { ...json, ...alone('--once', '--interval', '--prometheus'), '--per-channel': { needs: '--prometheus' } },
};

/** What a command wants besides its options. */
const WORDS: Record<string, string[]> = { 'bench report': ['results.json'] };

it('every command is in the table', async () => {
  const leaves = (await everyCommand()).map((words) => words.join(' '));
  // Those that only have others below them have no options of their own but --batch.
  const above = ['', 'bench', 'testbed'];
  expect(leaves.filter((name) => !above.includes(name)).sort()).toEqual(Object.keys(COMMANDS).sort());
});

describe.concurrent('the options of', () => {
  it.each(Object.entries(COMMANDS))('emp %s are all looked at here', async (command, options) => {
    const { stdout } = await emp(...command.split(' '), '--help');
    const shown = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag);
    expect(shown.filter((flag) => flag !== '--help').sort()).toEqual(Object.keys(options).sort());
  });
});

describe.concurrent('an option without its partner is an error of usage that names the partner', () => {
  const cases = Object.entries(COMMANDS).flatMap(([command, options]) =>
    Object.entries(options).flatMap(([flag, partner]) =>
      partner === 'alone' ? [] : [[command, flag, partner] as const],
    ),
  );
  it.each(cases)('emp %s %s', async (command, flag, { needs, value }) => {
    const { code, stdout, stderr } = await emp(
      ...command.split(' '),
      ...(WORDS[command] ?? []),
      flag,
      ...(value === undefined ? [] : [value]),
    );
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toBe(`emp: ${flag} means nothing without ${needs}.\n  Add ${needs}, or leave ${flag} out.\n`);
  });
});

describe.concurrent('what cannot be used together is an error of usage', () => {
  it.each([
    [['--mtu', '2000', '--peer', '127.0.0.1', '--driver', 'udp'], /--mtu.*cannot be used with.*--peer/],
    [['--mtu', '2000', '--driver', 'memory'], /The driver memory has no option --mtu/],
    [['--peer', 'memory:x', '--driver', 'memory'], /The driver memory has no option --peer/],
    [['--baseline', '--floor-mode', 'recv', '--driver', 'udp'], /--floor-mode is for --driver packet/],
    [['--baseline', '--floor-mode', 'recv'], /--floor-mode is for --driver packet/],
    [['--driver', 'udp', '--peer', '127.0.0.1', '--interface', 'lo'], /The driver udp has no option --interface/],
    [['--driver', 'packet', '--peer', '02:00:00:00:00:01'], /The driver packet needs a network interface/],
  ])('emp bench pingpong %j', async (args, message) => {
    const { code, stderr } = await emp('bench', 'pingpong', ...args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});

describe.concurrent('an address that is malformed is an error of usage that shows the right form', () => {
  it.each([
    [['echo', '--local', 'here'], /'here' is invalid.*198\.18\.0\.1, 198\.18\.0\.1:34997, \[fd00::1\]:34997/],
    [['echo', '--local', '127.0.0.1:70000'], /is invalid/],
    [['echo', '--port', '1701671012'], /Ports 1701671010 to 1701671013 are of the measurements/],
    [['echo', '--local', 'fd00::1:2:3:4:5:6:7:8'], /is invalid/],
    [['bench', 'pingpong', '--driver', 'udp', '--peer', 'there'], /'there' is not an IP address/],
    [['bench', 'pingpong', '--driver', 'udp', '--peer', '02:00:00:00:00:01'], /is not an IP address/],
    [['bench', 'pingpong', '--driver', 'udp', '--peer', '127.0.0.1:0'], /has port 0/],
    [['bench', 'pingpong', '--driver', 'packet', '-i', 'lo', '--peer', '127.0.0.1:7'], /is not an Ethernet address/],
    [['bench', 'pingpong', '--driver', 'xdp', '-i', 'lo', '--peer', 'ff:ff:ff:ff:ff:ff'], /is a group address/],
    [['nics', '--namespace', ''], /Expected a name/],
    [['echo', '--interface', ''], /Expected a name/],
    [['echo', '--fault', 'drop=1%', '--fault', 'seed=7'], /Given twice/],
    [['testbed', 'down', '--name', '../x'], /Start it with 'emp'/],
  ])('emp %j', async (args, message) => {
    const { code, stderr } = await emp(...args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});
