// Everything the sync engine can list, into PostgreSQL; then the events it is sent on stdin, signed as webhooks.
import { StripeSync, runMigrations } from "@supabase/stripe-sync-engine";
import Stripe from "stripe";
import { readFileSync } from "node:fs";

const [databaseUrl, key, address, secret] = process.argv.slice(2);
const { hostname, port } = new URL(address);
await runMigrations({ databaseUrl, schema: "stripe" });
const sync = new StripeSync({
  poolConfig: { connectionString: databaseUrl, max: 4 },
  stripeSecretKey: key,
  stripeWebhookSecret: secret,
  autoExpandLists: true,
});
sync.stripe = new Stripe(key, { host: hostname, port: Number(port), protocol: "http", maxNetworkRetries: 0, telemetry: false });
const steps = [
  "Products", "Prices", "Plans", "Customers", "Subscriptions", "SubscriptionSchedules", "Invoices", "Charges",
  "SetupIntents", "PaymentIntents", "TaxIds", "PaymentMethods", "Disputes", "EarlyFraudWarnings", "Refunds",
  "CreditNotes", "CheckoutSessions",
];
const told = {};
for (const step of steps) {
  try {
    told[step] = (await sync[`sync${step}`]({})).synced;
  } catch (error) {
    told[step] = `${error.name ?? ""} ${error.message}`;
  }
}
told.webhooks = 0;
for (const line of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const header = sync.stripe.webhooks.generateTestHeaderString({ payload: line, secret });
  await sync.processWebhook(line, header);
  told.webhooks += 1;
}
console.log(JSON.stringify(told));
process.exit(0);
