/** Browsers for a page: as many requests at once as told, the sessions in turn. */
import { Agent, get, type IncomingMessage } from 'node:http'

export type PageLoad = {
  /** Resolves with the milliseconds of each page. */
  run(path: string, parallel: number, count: number): Promise<number[]>
  close(): void
}

const SESSIONS = 100

export async function openPageLoad(port: number): Promise<PageLoad> {
  const agent = new Agent({ keepAlive: true })
  const cookies: string[] = []
  for (let n = 0; n < SESSIONS; n++) {
    const { headers } = await ask('/begin', '')
    cookies.push(headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '')
  }

  function ask(path: string, cookie: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const options = { agent, host: '127.0.0.1', port, path, headers: { cookie } }
      const request = get(options, (response) => {
        response.resume()
        response.on('end', () => {
          // A page that fails must not look fast.
          if (response.statusCode === 200) resolve(response)
          else reject(new Error(`${path} was answered with ${response.statusCode}`))
        })
      })
      request.on('error', reject)
    })
  }

  return {
    async run(path, parallel, count) {
      const times: number[] = []
      let next = 0
      const browse = async () => {
        while (next < count) {
          const began = performance.now()
          await ask(path, cookies[next++ % SESSIONS] ?? '')
          times.push(performance.now() - began)
        }
      }
      await Promise.all(Array.from({ length: parallel }, browse))
      return times
    },
    close: () => agent.destroy(),
  }
}
