// Everything the sync engine can list, into PostgreSQL; then the events it is sent on stdin, signed as webhooks.
// (Its ES module build cannot find its own migrations, its CommonJS build can.)
const { StripeSync, runMigrations } = require("@supabase/stripe-sync-engine");
const Stripe = require("stripe");
const { readFileSync } = require("node:fs");

const STEPS = [
  "Products", "Prices", "Plans", "Customers", "Subscriptions", "SubscriptionSchedules", "Invoices", "Charges",
  "SetupIntents", "PaymentIntents", "PaymentMethods", "Disputes", "EarlyFraudWarnings", "Refunds", "CreditNotes",
];

async function main([databaseUrl, key, address, secret]) {
  const { hostname, port } = new URL(address);
  const logger = { info() {}, debug() {}, warn() {}, error: (...words) => console.error(...words) };
  await runMigrations({ databaseUrl, schema: "stripe", logger });
  const poolConfig = { connectionString: databaseUrl, max: 4 };
  const sync = new StripeSync({ poolConfig, stripeSecretKey: key, stripeWebhookSecret: secret, autoExpandLists: true });
  const options = { host: hostname, port: Number(port), protocol: "http", maxNetworkRetries: 0, telemetry: false };
  sync.stripe = new (Stripe.default ?? Stripe)(key, options);
  const told = {};
  for (const step of STEPS) {
    try {
      told[step] = (await sync[`sync${step}`]({})).synced;
    } catch (error) {
      told[step] = `${error.name ?? ""} ${error.message}`;
    }
  }
  told.webhooks = 0;
  for (const payload of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
    const header = sync.stripe.webhooks.generateTestHeaderString({ payload, secret });
    await sync.processWebhook(payload, header);
    told.webhooks += 1;
  }
  return told;
}

main(process.argv.slice(2)).then(
  (told) => { console.log(JSON.stringify(told)); process.exit(0); },
  (error) => { console.error(error); process.exit(1); },
);
