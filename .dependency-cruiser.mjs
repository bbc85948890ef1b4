// The walls of docs/architecture.md, as dependency-cruiser checks them. `EMP_HOUSE` is the folder to check, for the test that
// breaks every rule on purpose; by default the project itself.
import { FLOORS, SANS_IO_ROOMS } from './scripts/rooms.mjs';

const house = process.env.EMP_HOUSE ?? '';
const at = (path) => `^${house}${path}`;
const rooms = Object.keys(FLOORS);
const inRooms = (names) => at(`src/(${names.join('|')})/`);

/** A room may use the rooms on lower floors, and nothing of its own floor but itself. */
function onlyDown(room) {
  const forbidden = rooms.filter((other) => other !== room && FLOORS[other] >= FLOORS[room]);
  return {
    name: `${room}-imports-only-down`,
    comment: `${room}/ is on floor ${FLOORS[room]}: it may import only from lower floors.`,
    severity: 'error',
    from: { path: inRooms([room]) },
    to: { path: inRooms(forbidden) },
  };
}

const walls = [
  {
    name: 'no-cycle',
    comment: 'Modules that import each other cannot be understood one at a time.',
    severity: 'error',
    from: {},
    to: { circular: true },
  },
  {
    name: 'sans-io-without-node',
    comment: 'A sans-I/O room runs the same on a NIC, in a test and in a simulated network.',
    severity: 'error',
    from: { path: inRooms(SANS_IO_ROOMS) },
    to: { dependencyTypes: ['core', 'npm', 'npm-dev'] },
  },
  {
    name: 'native-through-one-door',
    comment: 'The addons are loaded in src/nic/native.ts only.',
    severity: 'error',
    from: { path: at('(src|bench|examples)/'), pathNot: at('src/nic/native\\.ts$') },
    to: { path: at('(native|build)/') },
  },
  {
    name: 'errors-below-everything',
    comment: 'src/errors.ts is in the cellar: everybody uses it, it uses nobody.',
    severity: 'error',
    from: { path: at('src/errors\\.ts$') },
    to: { path: at('(src|bench)/') },
  },
  {
    name: 'public-door-opens-outwards',
    comment: 'src/index.ts is for applications. Inside the house, import the module itself.',
    severity: 'error',
    from: { path: at('src/'), pathNot: inRooms(['cli']) },
    to: { path: at('src/index\\.ts$') },
  },
  {
    name: 'tools-stay-on-the-roof',
    comment: 'bench/ and cli/ use the house; the house does not know them.',
    severity: 'error',
    from: { path: at('src/'), pathNot: inRooms(['cli']) },
    to: { path: at('bench/') },
  },
  {
    name: 'bench-below-the-command',
    comment: 'The command runs the measurements, not the other way round.',
    severity: 'error',
    from: { path: at('bench/') },
    to: { path: inRooms(['cli']) },
  },
  {
    name: 'examples-use-the-public-door',
    comment: "Examples import 'ethernet-message-passing', as an application would.",
    severity: 'error',
    from: { path: at('examples/') },
    to: { path: at('(src|bench)/'), pathNot: at('src/(sim/)?index\\.ts$') },
  },
  {
    name: 'house-without-visitors',
    comment: 'What is shipped imports neither tests nor examples nor scripts.',
    severity: 'error',
    from: { path: at('(src|bench)/') },
    to: { path: at('(test|examples|scripts)/') },
  },
  {
    name: 'no-development-packages',
    comment: 'What is shipped imports only packages that are installed with it.',
    severity: 'error',
    from: { path: at('(src|bench)/') },
    to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
  },
  {
    name: 'resolvable',
    comment: 'An import that leads nowhere.',
    severity: 'error',
    from: {},
    to: { couldNotResolve: true },
  },
];

export default {
  forbidden: [...rooms.map(onlyDown), ...walls],
  options: {
    tsConfig: { fileName: 'tsconfig.check.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'node', 'default'] },
  },
};
