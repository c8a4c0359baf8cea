/** What of an OpenAPI document no longer holds in a later one, in words; written for what ours contains. */

type Json = { readonly [name: string]: unknown }

/**
 * The changes that a program written for `before` may not survive: an operation, a parameter, a media
 * type, a status, a problem code, a header or a member of an answer is gone or of another type, or a
 * request must have more than it had to. Additions are none.
 */
export function findBreakingChanges(before: Json, after: Json): string[] {
  const faults: string[] = []
  for (const [path, methods] of entries(before['paths'])) {
    for (const [method, operation] of entries(methods)) {
      const now = at(after, 'paths', path, method)
      const name = `${method.toUpperCase()} ${path}`
      if (now === undefined) faults.push(`${name}: the operation is gone`)
      else
        faults.push(...changesOf(operation, now, before, after).map((fault) => `${name}: ${fault}`))
    }
  }
  return faults
}

function changesOf(was: unknown, is: unknown, before: Json, after: Json): string[] {
  const asked = (one: Side) => schemaChanges(one.was, one.is, { before, after, isRequest: true })
  const told = (one: Side) => schemaChanges(one.was, one.is, { before, after, isRequest: false })
  const id = at(was, 'operationId')
  return [
    ...(id === at(is, 'operationId') ? [] : [`the operationId ${String(id)} is gone`]),
    ...parameterChanges(list(was, 'parameters'), list(is, 'parameters'), asked),
    ...bodyChanges(at(was, 'requestBody'), at(is, 'requestBody'), asked),
    ...entries(at(was, 'responses')).flatMap(([status, response]) => {
      const now = at(is, 'responses', status)
      const name = `answer ${status}`
      if (now === undefined) return [`${name} is gone`]
      const [old, young] = [resolve(response, before), resolve(now, after)]
      const codes = codesOf(young)
      return [
        ...codesOf(old)
          .filter((code) => !codes.includes(code))
          .map((code) => `${name}: code ${String(code)} is gone`),
        ...gone(at(old, 'headers'), at(young, 'headers')).map(
          (one) => `${name}: header ${one} is gone`,
        ),
        ...mediaChanges(at(old, 'content'), at(young, 'content'), told).map(
          (one) => `${name}: ${one}`,
        ),
      ]
    }),
  ]
}

type Side = { readonly was: unknown; readonly is: unknown }
type Compare = (side: Side) => string[]

function parameterChanges(was: Json[], is: Json[], compare: Compare): string[] {
  const key = (one: Json) => `${one['in']} parameter ${one['name']}`
  const old = new Map(was.map((one) => [key(one), one]))
  const young = new Map(is.map((one) => [key(one), one]))
  return [
    ...[...old.keys()].filter((name) => !young.has(name)).map((name) => `${name} is gone`),
    ...[...young]
      .filter(([name, one]) => one['required'] === true && old.get(name)?.['required'] !== true)
      .map(([name]) => `${name} is now required`),
    ...[...old].flatMap(([name, one]) => {
      const now = young.get(name)
      if (now === undefined) return []
      return compare({ was: one['schema'], is: now['schema'] }).map((fault) => `${name}${fault}`)
    }),
  ]
}

function bodyChanges(was: unknown, is: unknown, compare: Compare): string[] {
  if (was === undefined) return at(is, 'required') === true ? ['a body is now required'] : []
  if (is === undefined) return ['the body is gone']
  const isStricter = at(is, 'required') === true && at(was, 'required') !== true
  return [
    ...(isStricter ? ['the body is now required'] : []),
    ...mediaChanges(at(was, 'content'), at(is, 'content'), compare).map((one) => `body: ${one}`),
  ]
}

function mediaChanges(was: unknown, is: unknown, compare: Compare): string[] {
  return [
    ...gone(was, is).map((type) => `type ${type} is gone`),
    ...entries(was).flatMap(([type, media]) => {
      const now = at(is, type)
      if (now === undefined) return []
      return compare({ was: at(media, 'schema'), is: at(now, 'schema') }).map(
        (one) => `${type}${one}`,
      )
    }),
  ]
}

type Documents = { readonly before: Json; readonly after: Json; readonly isRequest: boolean }

/** By the member's path, as in ` /device/address: …`. */
function schemaChanges(was: unknown, is: unknown, documents: Documents): string[] {
  const [old, young] = [resolve(was, documents.before), resolve(is, documents.after)]
  const { isRequest } = documents
  const types = (one: unknown) => [at(one, 'type') ?? []].flat()
  const inside = (name: string, a: unknown, b: unknown) =>
    schemaChanges(a, b, documents).map((fault) => `/${name}${fault}`)
  const required = (one: unknown) => [at(one, 'required') ?? []].flat()
  const lost = isRequest
    ? required(young).filter((name) => !required(old).includes(name))
    : required(old).filter((name) => !required(young).includes(name))
  const enums = [at(old, 'enum') ?? []].flat()
  const left = [at(young, 'enum') ?? enums].flat()
  const [wider, narrower] = isRequest ? [types(old), types(young)] : [types(young), types(old)]
  const isOther = narrower.length > 0 && !wider.every((type) => narrower.includes(type))
  return [
    ...(isOther ? [`: another type, ${types(young).join(' or ')}`] : []),
    ...lost.map(
      (name) => `/${String(name)}: ${isRequest ? 'is now required' : 'may be missing now'}`,
    ),
    ...(isRequest ? enums.filter((value) => !left.includes(value)) : []).map(
      (value) => `: ${String(value)} is refused now`,
    ),
    ...gone(at(old, 'properties'), at(young, 'properties')).map((name) => `/${name}: is gone`),
    ...entries(at(old, 'properties')).flatMap(([name, member]) => {
      const now = at(young, 'properties', name)
      return now === undefined ? [] : inside(name, member, now)
    }),
    ...(at(old, 'items') === undefined
      ? []
      : inside('items', at(old, 'items'), at(young, 'items'))),
    ...list(old, 'oneOf').flatMap((one, index) =>
      inside(`${index}`, one, list(young, 'oneOf')[index]),
    ),
  ]
}

/** The problem codes that an answer may have. */
function codesOf(response: unknown): readonly unknown[] {
  const schema = at(response, 'content', 'application/problem+json', 'schema')
  return list(schema, 'allOf').flatMap((part) => at(part, 'properties', 'code', 'enum') ?? [])
}

function gone(was: unknown, is: unknown): string[] {
  return entries(was)
    .map(([name]) => name)
    .filter((name) => at(is, name) === undefined)
}

function resolve(one: unknown, document: Json): unknown {
  const ref = at(one, '$ref')
  if (typeof ref !== 'string') return one
  return at(document, ...ref.replace('#/', '').split('/'))
}

function at(value: unknown, ...names: string[]): unknown {
  return names.reduce<unknown>((inner, name) => (isObject(inner) ? inner[name] : undefined), value)
}

function entries(value: unknown): [string, unknown][] {
  return isObject(value) ? Object.entries(value) : []
}

function list(value: unknown, name: string): Json[] {
  const items = at(value, name)
  return Array.isArray(items) ? items.filter(isObject) : []
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
