/**
 * Ties a child to the process that stands for it. `kill -9` ends that process without a word to the
 * child, so a variable tells the child its parent, and it ends when the parent has gone. Plain
 * JavaScript, since lib/program/pinned-node.js must run on any Node.
 */
const VARIABLE = 'PINNED_NODE_PARENT'

const POLL_MS = 200

/** The environment for a child that runs in place of this process. */
export function childEnvironment() {
  return { ...process.env, [VARIABLE]: String(process.pid) }
}

/** Calls `onGone` once the process that this one stands in for has ended. */
export function watchStarter(onGone) {
  const pid = Number(process.env[VARIABLE])
  // Not for the children of this process.
  delete process.env[VARIABLE]
  if (pid > 0) watchParent(onGone, pid)
}

/**
 * Whether `nohup` started this process. Node resets an ignored SIGHUP at its start, but shells name the
 * program that they ran in the variable `_`.
 */
export function isHangupIgnored() {
  return /(^|[\\/])nohup$/.test(process.env._ ?? '')
}

/** Whether to end when npm ends: not under `nohup`, which npm itself does not survive. */
export function isToEndWithNpm() {
  return process.env.npm_command !== undefined && !isHangupIgnored()
}

/** Calls `onGone` once the parent of this process is no longer `pid`. */
export function watchParent(onGone, pid = process.ppid) {
  const timer = setInterval(() => {
    if (process.ppid === pid) return
    clearInterval(timer)
    onGone()
  }, POLL_MS)
  timer.unref()
}
