/**
 * What a process that was started to run another says to it. It is not always asked to stop itself:
 * `kill -9` ends it, and what it runs would go on alone. So its child is told whose child it is, and
 * ends when it is nobody's. Plain JavaScript, since lib/program/pinned-node.js must run on any Node.
 */
const VARIABLE = 'PINNED_NODE_PARENT'

const POLL_MS = 200

/** The variables that a child of this process is to have. */
export function childEnvironment() {
  return { ...process.env, [VARIABLE]: String(process.pid) }
}

/** Calls `onGone` once the process that started this one to run in its place has ended. */
export function watchStarter(onGone) {
  const pid = Number(process.env[VARIABLE])
  // For this process alone.
  delete process.env[VARIABLE]
  if (pid > 0) watchParent(onGone, pid)
}

/**
 * Whether `nohup` started this: Node forgets that SIGHUP was to be ignored, and the shell tells in a
 * variable what it ran.
 */
export function isHangupIgnored() {
  return /(^|[\\/])nohup$/.test(process.env._ ?? '')
}

/** Whether npm started this; what `nohup` has it start is to outlive the terminal, and npm does not. */
export function isToEndWithNpm() {
  return process.env.npm_command !== undefined && !isHangupIgnored()
}

/** Calls `onGone` once the parent of this process is another than `pid`. */
export function watchParent(onGone, pid = process.ppid) {
  const timer = setInterval(() => {
    if (process.ppid === pid) return
    clearInterval(timer)
    onGone()
  }, POLL_MS)
  timer.unref()
}
