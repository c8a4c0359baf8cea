// `node express-redis.js REDIS_PORT`
import { RedisStore } from 'connect-redis'
import { createClient } from 'redis'
import { listen } from './express-app.js'

const client = createClient({ url: `redis://127.0.0.1:${process.argv[2]}` })
await client.connect()
listen(new RedisStore({ client }))
