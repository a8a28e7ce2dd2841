// A peer: Supabase's sync engine lists all charges into PostgreSQL, as its own backfill does.
//   DATABASE_URL=… API=http://127.0.0.1:4000 node bench/peers/sync_backfill.mjs     prints {"objects": …, "seconds": …}
import { createRequire } from 'node:module'

const load = createRequire(import.meta.url)
const { StripeSync, runMigrations } = load('@supabase/stripe-sync-engine')
const Stripe = load('stripe')

const { DATABASE_URL, API, STRIPE_KEY = 'sk_test_bench' } = process.env
const { hostname, port } = new URL(API)
await runMigrations({ databaseUrl: DATABASE_URL, schema: 'stripe' })
const sync = new StripeSync({
  schema: 'stripe',
  poolConfig: { connectionString: DATABASE_URL, max: 10 },
  stripeSecretKey: STRIPE_KEY,
  stripeWebhookSecret: 'whsec_unused',
})
sync.stripe = new (Stripe.default ?? Stripe)(STRIPE_KEY, { host: hostname, port: Number(port), protocol: 'http', telemetry: false })
const began = performance.now()
const { synced } = await sync.syncCharges({})
console.log(JSON.stringify({ objects: synced, seconds: (performance.now() - began) / 1000 }))
process.exit(0)
