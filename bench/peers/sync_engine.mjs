// A peer: Supabase's sync engine behind Node's own HTTP server, as its README shows it.
//   DATABASE_URL=… WEBHOOK_SECRET=… PORT=… node bench/peers/sync_engine.mjs
import http from 'node:http'
import { createRequire } from 'node:module'

// Its migrations need CommonJS's __dirname, so the CommonJS build is the one that works.
const { StripeSync, runMigrations } = createRequire(import.meta.url)('@supabase/stripe-sync-engine')

const { DATABASE_URL, WEBHOOK_SECRET, STRIPE_KEY = 'sk_test_bench', PORT } = process.env
await runMigrations({ databaseUrl: DATABASE_URL, schema: 'stripe' })
const sync = new StripeSync({
  schema: 'stripe',
  poolConfig: { connectionString: DATABASE_URL, max: 10 },
  stripeSecretKey: STRIPE_KEY,
  stripeWebhookSecret: WEBHOOK_SECRET,
})

const server = http.createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', async () => {
    try {
      await sync.processWebhook(Buffer.concat(chunks), request.headers['stripe-signature'])
      response.writeHead(200).end('{"received":true}')
    } catch (error) {
      response.writeHead(400).end(String(error.message))
    }
  })
})
server.listen(Number(PORT), '127.0.0.1', () => console.log('ready'))
