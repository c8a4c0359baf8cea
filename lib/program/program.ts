/** Runs what the command line calls: the server, a command, or a help. */
import { constants, setPriority } from 'node:os'
import { readVersion } from '../base/version.ts'
import { EXIT } from '../command-line/exit-codes.ts'
import { type Command, renderUsage, runCommand } from '../commands/command.ts'
import { commands } from '../commands/commands.ts'
import { readTopic, renderTopics } from '../help/topics.ts'
import {
  allowsColour,
  readSettings,
  type Settings,
  type SettingsInForce,
} from '../settings/settings.ts'
import { renderHelp } from '../settings/settings-help.ts'
import { StorageError } from '../store-sqlite/database/storage-error.ts'
import { readCalled } from './called.ts'
import { createCommandIo } from './command-io.ts'
import { explainFailure } from './failure.ts'
import { isHangupIgnored, watchStarter } from './starter.js'

/** Where no terminal tells its width. */
const DEFAULT_COLUMNS = 80

/** Serves until the end; returns the exit code. */
export type Serve = (settings: Settings, inForce: SettingsInForce) => Promise<number>

/** Sets the exit code of the process when it is done, and says on stderr why it failed. */
export async function runProgram(args: readonly string[], serve: Serve): Promise<void> {
  // A full disk or a closed pipe behind stdout or stderr is no reason to stop.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  // Whoever was started to run in place of another process ends with it.
  watchStarter(() => process.kill(process.pid, 'SIGTERM'))
  if (isHangupIgnored()) process.on('SIGHUP', () => {})
  try {
    process.exitCode = await run(args, serve)
  } catch (error) {
    const { exitCode, lines } = explainFailure(error)
    for (const line of lines) process.stderr.write(`${line}\n`)
    process.exitCode = exitCode
  }
}

async function run(args: readonly string[], serve: Serve): Promise<number> {
  const called = readCalled(args, commands)
  switch (called.kind) {
    case 'help':
      return print(called.command === undefined ? renderGeneralHelp() : renderUsage(called.command))
    case 'topic':
      return await printTopic(called.topic)
    case 'version':
      return print(`${readVersion()}\n`)
    case 'command':
      return await callCommand(called.command, called.args)
    case 'serve':
      return await callServer(called.args, serve)
  }
}

async function callServer(args: readonly string[], serve: Serve): Promise<number> {
  const asked = readSettings(args)
  switch (asked.kind) {
    case 'help':
      return print(renderGeneralHelp())
    case 'version':
      return print(`${readVersion()}\n`)
    case 'serve':
      requireFolder()
      return await serve(asked.settings, asked.inForce)
  }
}

async function callCommand(command: Command, args: readonly string[]): Promise<number> {
  requireFolder()
  // A server that runs beside the command goes first.
  if (command.isUrgent !== true) setPriority(constants.priority.PRIORITY_LOW)
  return await runCommand(command, args, createCommandIo())
}

function renderGeneralHelp(): string {
  return `${renderHelp()}\n${renderTopics()}`
}

async function printTopic(topic: string): Promise<number> {
  // The parser of Markdown is loaded for this alone.
  const { renderPage } = await import('../help/render-page.ts')
  const { isTTY: isTerminal, columns } = process.stdout
  const colour = isTerminal && allowsColour()
  return print(renderPage(readTopic(topic), { columns: columns ?? DEFAULT_COLUMNS, colour }))
}

function print(text: string): number {
  process.stdout.write(text)
  return EXIT.done
}

/** Throws where the working folder was removed: then no path means anything. */
function requireFolder(): void {
  try {
    process.cwd()
  } catch {
    throw new StorageError(
      'unwritable',
      'Cannot start: the folder that this was called from has been removed; change into another (cd)',
    )
  }
}
