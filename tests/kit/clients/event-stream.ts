/** A reader of server-sent events, block by block, as the HTML standard has them. */

/** The members of a block that were there; `comment` for lines that begin with a colon. */
export type Block = {
  readonly id?: string
  readonly event?: string
  readonly data?: string
  readonly retry?: string
  readonly comment?: string
}

/** An event of the feed, as the JSON of an answer has it. */
export type EventBody = {
  readonly id: string
  readonly type: string
  readonly at: string
  readonly session: string
  readonly sub?: string
  readonly subBefore?: string
  readonly renewedAs?: string
  readonly reason?: string
}

/** Takes text as it comes, and returns the blocks that are whole. */
export function createBlockReader(): (text: string) => readonly Block[] {
  let rest = ''
  return (text) => {
    const parts = (rest + text).split('\n\n')
    rest = parts.pop() ?? ''
    return parts.map(parseBlock)
  }
}

function parseBlock(text: string): Block {
  const lines = text.split('\n').map((line) => {
    const colon = line.indexOf(':')
    if (colon === -1) throw new Error(`A line of a stream must have a colon, got ${line}`)
    const name = line.slice(0, colon) || 'comment'
    return [name, line.slice(colon + 1).replace(/^ /, '')] as const
  })
  return Object.fromEntries(lines)
}

/** The blocks of an answer, as they come. */
export function followStream(answer: Response) {
  const reader = (answer.body ?? new ReadableStream()).getReader()
  const decoder = new TextDecoder()
  const read = createBlockReader()
  const waiting: Block[] = []

  /** Undefined once the stream has ended. */
  async function next(): Promise<Block | undefined> {
    while (waiting.length === 0) {
      const { done, value } = await reader.read()
      if (done) return undefined
      waiting.push(...read(decoder.decode(value, { stream: true })))
    }
    return waiting.shift()
  }

  /** The next event, passing over blocks that are none. */
  async function nextEvent(): Promise<EventBody | undefined> {
    for (let block = await next(); block !== undefined; block = await next()) {
      if (block.data === undefined) continue
      const event: EventBody = JSON.parse(block.data)
      if (event.id !== block.id || event.type !== block.event) {
        throw new Error(`A block must name its event, got ${JSON.stringify(block)}`)
      }
      return event
    }
    return undefined
  }

  return { next, nextEvent, close: () => reader.cancel() }
}
