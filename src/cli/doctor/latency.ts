// What makes a round trip long or uneven.
import { info, ok, warn, type Check } from './finding.js';

const CPU = '/sys/devices/system/cpu';
/** A sleep state that takes longer than this to leave shows in a round trip of a few microseconds. */
const SLOW_WAKEUP = 10;

const cores = (names: readonly string[]): string[] => names.filter((name) => /^cpu\d+$/.test(name));

export const governor: Check = (machine) => {
  const found = cores(machine.list(CPU)).map((core) => machine.read(`${CPU}/${core}/cpufreq/scaling_governor`));
  const names = [...new Set(found.filter((name) => name !== undefined))];
  if (names.length === 0) return info('CPU frequency', 'Not in the hands of this kernel.');
  if (names.every((name) => name === 'performance')) return ok('CPU frequency', 'Governor performance on all cores.');
  return warn(
    'CPU frequency',
    `Governor ${names.join(', ')}: the clock falls when cores wait.`,
    `For even latency: echo performance | sudo tee ${CPU}/cpu*/cpufreq/scaling_governor`,
  );
};

interface SleepState {
  name: string;
  microseconds: number;
}

export const sleepStates: Check = (machine) => {
  const folder = `${CPU}/cpu0/cpuidle`;
  const states: SleepState[] = machine
    .list(folder)
    .filter((state) => machine.read(`${folder}/${state}/disable`) !== '1')
    .map((state) => ({
      name: machine.read(`${folder}/${state}/name`) ?? state,
      microseconds: Number(machine.read(`${folder}/${state}/latency`) ?? 0),
    }));
  if (states.length === 0) return info('C-states', 'Not in the hands of this kernel.');
  const limit = machine.wakeupLimit() ?? Infinity;
  const allowed = states.filter(({ microseconds }) => microseconds <= limit);
  const deepest = allowed.reduce((a, b) => (b.microseconds > a.microseconds ? b : a), {
    name: 'none',
    microseconds: 0,
  });
  if (deepest.microseconds <= SLOW_WAKEUP)
    return ok('C-states', `Deepest in use: ${deepest.name}, ${deepest.microseconds} us.`);
  return warn(
    'C-states',
    `Cores may sleep as deep as ${deepest.name}, ${deepest.microseconds} us to wake.`,
    `For even latency, as root, after apt install linux-cpupower: cpupower idle-set -D ${SLOW_WAKEUP + 1}`,
  );
};

export const isolated: Check = (machine) => {
  const list = machine.read(`${CPU}/isolated`) ?? '';
  if (list !== '') return ok('isolated cores', `${list}: pin spinning programs there with taskset.`);
  const count = cores(machine.list(CPU)).length;
  return info(
    'isolated cores',
    'None; the scheduler may put other work on any core.',
    // With fewer there would be none left for everything else.
    count >= 4 ? `For the tails: boot with isolcpus=${count - 2},${count - 1}` : undefined,
  );
};

export const coreCount: Check = (machine) => {
  const count = cores(machine.list(CPU)).length;
  if (count >= 2) return ok('cores', `${count} cores.`);
  return warn('cores', 'One core: two spinning ends on it take turns.', 'Use --wait event on this machine.');
};

export const smt: Check = (machine) => {
  if (machine.read(`${CPU}/smt/active`) !== '1') return ok('SMT', 'Every core is a core of its own.');
  return info('SMT', 'Pairs of CPUs share a core.', 'Do not pin two spinning programs to one pair (lscpu -e).');
};

export const clockSource: Check = (machine) => {
  const source = machine.read('/sys/devices/system/clocksource/clocksource0/current_clocksource');
  if (source === undefined) return info('clock source', 'Unknown.');
  if (/^(tsc|kvm-clock|arch_sys_counter|hyperv_clocksource_tsc_page)$/.test(source)) {
    return ok('clock source', `${source}: read without a system call.`);
  }
  return warn(
    'clock source',
    `${source}: reading the time is slow.`,
    'The kernel says why it does not use tsc: dmesg | grep -i tsc',
  );
};

export const virtualisation: Check = (machine) => {
  if (!/^flags\s*:.*\bhypervisor\b/m.test(machine.read('/proc/cpuinfo') ?? ''))
    return ok('virtualisation', 'None found.');
  const product = machine.read('/sys/class/dmi/id/product_name');
  const name = product === undefined || product === '' ? '' : ` (${product})`;
  return info('virtualisation', `A virtual machine${name}: the tails of latencies depend on its host.`);
};
