import { arch, cpus, platform, release, totalmem } from 'node:os'

/** The machine that the numbers come from. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGB: number
  readonly system: string
  readonly node: string
}

/** Describes this machine; nothing in it tells whose it is. */
export function describeMachine(): Machine {
  const all = cpus()
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release().split('-')[0] ?? ''} ${arch()}`,
    node: process.versions.node,
  }
}

/** One line of it, for plots and tables. */
export function summarizeMachine({ cpu, cores, memoryGB, system, node }: Machine): string {
  return `${cpu}, ${cores} cores, ${memoryGB} GB; ${system}; Node.js ${node}`
}
