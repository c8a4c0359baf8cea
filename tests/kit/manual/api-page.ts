import {
  ANY_REQUEST,
  type Caller,
  OF_CALLERS,
  type Parameter,
  showPath,
} from '../../../lib/http/api-parts.ts'
import { type ProblemCode, PROBLEMS } from '../../../lib/http/answer/problem.ts'
import { OPERATIONS, type Row } from '../../../lib/http/api.ts'

const CALLERS: Readonly<Record<Caller, readonly [name: string, meaning: string]>> = {
  anyone: ['anyone', 'needs nothing'],
  holder: [
    'holder',
    "sends a session's token, in its cookie, in `Session-Token` or as `Authorization: Bearer TOKEN`",
  ],
  back_end: ['back end', 'sends an API key, `Authorization: Bearer ck_…`'],
}

/**
 * The generated part of `lib/manual/api.md`: a section for each path, a part for each operation.
 */
export function renderApi(): string {
  const sections = Map.groupBy(OPERATIONS, ({ path }) => path)
    .entries()
    .map(([path, rows]) => [`## \`${showPath(path)}\``, ...rows.map(renderRow)].join('\n\n'))
  return `${[renderCallers(), ...sections, renderAnyRequest()].join('\n\n')}\n`
}

function renderRow(row: Row): string {
  const { method, path, who, summary, query = [], headers = [], body, answers, errors } = row
  const title =
    method === 'ALL' ? `Any method, \`${showPath(path)}\`` : `\`${method} ${showPath(path)}\``
  const lines = [
    `Caller: ${CALLERS[who][0]}`,
    ...query.map((parameter) => `\`?${parameter.name}=\` ${describe(parameter)}`),
    ...headers.map((parameter) => `\`${parameter.name}:\` ${describe(parameter)}`),
    ...(body === undefined
      ? []
      : [`Body${body.isOptional === true ? ' (optional)' : ''}: ${body.shape}`]),
    ...Object.entries(answers).map(
      ([status, { carries, headers: own = [] }]) =>
        `**${status}**: ${carries}${own.length === 0 ? '' : `; with ${listCode(own)}`}`,
    ),
    ...(errors.length === 0 ? [] : [`Errors: ${renderErrors(errors)}`]),
  ]
  return [`### ${title}`, summary, lines.map((line) => `- ${line}`).join('\n')].join('\n\n')
}

function renderCallers(): string {
  const lines = Object.entries(OF_CALLERS).map(([who, codes]) => {
    const [name, meaning] = CALLERS[who as Caller]
    return `- **${name}**: ${meaning}${codes.length === 0 ? '' : `. Errors: ${renderErrors(codes)}`}`
  })
  const crossOrigin =
    '- A page of another origin may read: any other method is refused. Errors: ' +
    renderErrors(['cross_origin'])
  return ['## Callers', [...lines, crossOrigin].join('\n')].join('\n\n')
}

function renderAnyRequest(): string {
  return [
    '## Errors of any request',
    `- ${renderErrors([...ANY_REQUEST, 'route_not_found', 'method_not_allowed'])}`,
  ].join('\n\n')
}

function describe({ type, fallback, meaning }: Parameter): string {
  const unless = fallback === undefined ? '' : `, \`${fallback}\` unless given`
  return `(${type}${unless}): ${meaning}`
}

/** By status, each with its codes. */
function renderErrors(codes: readonly ProblemCode[]): string {
  const byStatus = Map.groupBy(codes, (code) => PROBLEMS[code][0])
  return [...byStatus]
    .toSorted(([a], [b]) => a - b)
    .map(([status, own]) => `${status} ${listCode(own.toSorted())}`)
    .join('; ')
}

function listCode(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ')
}
