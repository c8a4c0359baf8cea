import type { Socket } from 'node:net'

/** Held at most; what is more is written, and waits for a client that does not read. */
const HELD_CHARACTERS = 32_768

/**
 * Writes the responses to pipelined requests together. A burst of reads is answered within one turn of
 * the event loop: one write for each would cost more, here and at the client, than the reads. A
 * response is held for the next one no longer than that turn. `isFollowed`: whether another
 * response of the connection comes after the one that is written.
 */
export function gatherAnswers(socket: Socket, isFollowed: (socket: Socket) => boolean): void {
  const write = socket._write.bind(socket)
  const writeMany = socket._writev?.bind(socket)
  const finish = socket._final.bind(socket)
  /** As latin1: a character is a byte. */
  let held = ''

  function flush(): void {
    if (held === '') return
    const text = held
    held = ''
    if (!socket.destroyed) write(text, 'latin1', fail)
  }

  function fail(error?: Error | null): void {
    if (error) socket.destroy(error)
  }

  /** Holds the text, or sends it with what was held. */
  function take(text: string, done: (error?: Error | null) => void): void {
    const all = held + text
    if (isFollowed(socket) && all.length < HELD_CHARACTERS) {
      // control: answers-held-briefly
      if (held === '') setImmediate(flush)
      held = all
      done()
      return
    }
    held = ''
    write(all, 'latin1', done)
  }

  socket._write = (chunk: unknown, encoding, done) => {
    // Most responses are the only ones of their turn.
    if (held === '' && !isFollowed(socket)) write(chunk, encoding, done)
    else take(bytesOf(chunk, encoding), done)
  }
  if (writeMany !== undefined) {
    socket._writev = (chunks, done) => {
      if (held === '' && !isFollowed(socket)) writeMany(chunks, done)
      else take(chunks.map(({ chunk, encoding }) => bytesOf(chunk, encoding)).join(''), done)
    }
  }
  socket._final = (done) => {
    // control: held-answers-finished
    flush()
    finish(done)
  }
}

function bytesOf(chunk: unknown, encoding: BufferEncoding): string {
  if (typeof chunk !== 'string') return (chunk as Buffer).toString('latin1')
  if (encoding === 'latin1' || Buffer.byteLength(chunk, encoding) === chunk.length) return chunk
  return Buffer.from(chunk, encoding).toString('latin1')
}
