/** What the benchmark and the applications that it measures tell each other. */

export type Order = {
  readonly call: 'read' | 'read by id' | 'write' | 'count'
  readonly parallel: number
  readonly milliseconds: number
}

export type Measured = {
  readonly count: number
  /** Of the application's process. */
  readonly cpuUs: number
  readonly p50Ms: number
}
