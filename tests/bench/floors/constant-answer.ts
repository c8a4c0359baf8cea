/** What a floor answers, always; it comes as the first argument of its command line. */
export type ConstantAnswer = {
  readonly method: 'GET' | 'PUT'
  readonly path: string
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  /** Empty for an answer that has none. */
  readonly body: string
  readonly keepAliveTimeout: number
}

export function readConstantAnswer(): ConstantAnswer {
  return JSON.parse(process.argv[2] ?? '') as ConstantAnswer
}
