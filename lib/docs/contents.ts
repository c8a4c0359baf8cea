/** The order of the manual's pages, and the questions that its first page answers. */

export type Group = {
  readonly title: string
  /** Names of pages, without `.md`. */
  readonly pages: readonly string[]
}

/** In reading order: previous and next follow it. */
export const GROUPS: readonly Group[] = [
  { title: 'Begin', pages: ['start', 'sessions', 'flash', 'lifetime', 'cookies'] },
  {
    title: 'Build',
    pages: [
      'back-ends',
      'api-keys',
      'events',
      'webhooks',
      'forward-auth',
      'api',
      'openapi',
      'errors',
      'testing',
      'moving-in',
    ],
  },
  {
    title: 'In your framework',
    pages: ['express', 'fastify', 'hono', 'spa', 'client-js', 'python', 'flask', 'django'],
  },
  {
    title: 'Run',
    pages: [
      'deploying',
      'dashboard',
      'operating',
      'metrics',
      'litestream',
      'postgresql',
      'settings',
      'commands',
    ],
  },
  {
    title: 'Understand',
    pages: ['promises', 'security', 'speed', 'how-far', 'inside', 'hacking', 'changelog'],
  },
]

/** Where pages stand that no group names. */
export const REST = 'More'

export type Task = { readonly want: string; readonly page: string; readonly anchor?: string }
export type Tasks = { readonly title: string; readonly tasks: readonly Task[] }

/** What the first page leads to. */
export const TASKS: readonly Tasks[] = [
  {
    title: 'Begin',
    tasks: [
      { want: 'Install, run, a first session', page: 'start' },
      { want: 'See cookies and sessions, live', page: 'start', anchor: 'the-tour' },
      { want: 'Set, read, count, remove', page: 'sessions' },
      { want: 'Flash messages', page: 'flash' },
      { want: '“Stay logged in” for thirty days', page: 'lifetime', anchor: 'thirty-days' },
      { want: 'Other cookies', page: 'cookies' },
    ],
  },
  {
    title: 'Build',
    tasks: [
      { want: 'Log users in from your back end', page: 'back-ends' },
      { want: 'Keys that may only read', page: 'api-keys', anchor: 'scopes' },
      { want: 'Log out everywhere', page: 'back-ends', anchor: 'log-out-everywhere' },
      { want: 'Be told what happens to sessions', page: 'events' },
      { want: 'Webhooks to your application', page: 'webhooks' },
      { want: 'nginx, Caddy, Traefik ask who is there', page: 'forward-auth' },
      { want: 'Flask or Django', page: 'flask' },
      { want: 'Express, Fastify, NestJS', page: 'express' },
      { want: 'Hono', page: 'hono' },
      { want: 'A single-page app', page: 'spa' },
      { want: 'What an error code means', page: 'errors' },
      { want: 'Test your app: time that passes at once', page: 'testing' },
      { want: 'Bring sessions from another store', page: 'moving-in' },
    ],
  },
  {
    title: 'Run',
    tasks: [
      { want: 'systemd, a container, one binary', page: 'deploying' },
      {
        want: 'Why was a user logged out?',
        page: 'dashboard',
        anchor: 'why-was-a-user-logged-out',
      },
      { want: 'Back up, restore, upgrade', page: 'operating', anchor: 'back-up' },
      { want: 'A full disk, a damaged file', page: 'operating', anchor: 'the-disk-is-full' },
      { want: 'Several servers on one database', page: 'postgresql' },
      { want: 'Prometheus, alerts, a Grafana board', page: 'metrics' },
      { want: 'Flags and variables', page: 'settings', anchor: 'all-settings' },
      { want: 'Commands', page: 'commands' },
    ],
  },
  {
    title: 'Understand',
    tasks: [
      { want: 'What a crash loses', page: 'promises', anchor: 'what-does-a-crash-lose' },
      { want: 'Threats, and what is left to you', page: 'security' },
      { want: 'How fast it is, and who is faster', page: 'speed' },
      { want: 'Beyond one machine: when, and for what', page: 'how-far' },
      { want: 'How it works, and how to change it', page: 'inside' },
      { want: 'What changed', page: 'changelog' },
    ],
  },
]
