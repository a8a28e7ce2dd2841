"""The charts of accounts that companies begin with: what a small company in the United States has, and one that trades in three currencies.

An account is (name, AccountType, AccountSubType, currency or "" for the home currency, parent's name or "").
"""

from __future__ import annotations

CLASSIFICATIONS = {
    "Bank": "Asset", "Accounts Receivable": "Asset", "Other Current Asset": "Asset", "Fixed Asset": "Asset", "Other Asset": "Asset",
    "Accounts Payable": "Liability", "Credit Card": "Liability", "Other Current Liability": "Liability", "Long Term Liability": "Liability",
    "Equity": "Equity", "Income": "Revenue", "Other Income": "Revenue",
    "Cost of Goods Sold": "Expense", "Expense": "Expense", "Other Expense": "Expense",
}  # fmt: skip
"""AccountType to Classification."""

Row = tuple[str, str, str, str, str]

SMALL: tuple[Row, ...] = (
    ("Checking", "Bank", "Checking", "", ""),
    ("Savings", "Bank", "Savings", "", ""),
    ("Accounts Receivable (A/R)", "Accounts Receivable", "AccountsReceivable", "", ""),
    ("Undeposited Funds", "Other Current Asset", "UndepositedFunds", "", ""),
    ("Stripe clearing", "Other Current Asset", "OtherCurrentAssets", "", ""),
    ("Payouts in transit", "Other Current Asset", "OtherCurrentAssets", "", ""),
    ("Disputed payments", "Other Current Asset", "OtherCurrentAssets", "", ""),
    ("Stripe reserves", "Other Current Asset", "OtherCurrentAssets", "", ""),
    ("Uncategorized Asset", "Other Current Asset", "OtherCurrentAssets", "", ""),
    ("Accounts Payable (A/P)", "Accounts Payable", "AccountsPayable", "", ""),
    ("Business credit card", "Credit Card", "CreditCard", "", ""),
    ("Sales tax payable", "Other Current Liability", "SalesTaxPayable", "", ""),
    ("Deferred revenue", "Other Current Liability", "DeferredRevenue", "", ""),
    ("Refunds payable", "Other Current Liability", "OtherCurrentLiabilities", "", ""),
    ("Customer deposits", "Other Current Liability", "OtherCurrentLiabilities", "", ""),
    ("Loans", "Long Term Liability", "NotesPayable", "", ""),
    ("Opening Balance Equity", "Equity", "OpeningBalanceEquity", "", ""),
    ("Retained Earnings", "Equity", "RetainedEarnings", "", ""),
    ("Sales", "Income", "SalesOfProductIncome", "", ""),
    ("Subscriptions", "Income", "ServiceFeeIncome", "", "Sales"),
    ("Refunds and allowances", "Income", "DiscountsRefundsGiven", "", ""),
    ("Application fees earned", "Income", "ServiceFeeIncome", "", ""),
    ("Cost of goods sold", "Cost of Goods Sold", "SuppliesMaterialsCogs", "", ""),
    ("Merchant fees", "Expense", "BankCharges", "", ""),
    ("Payout fees", "Expense", "BankCharges", "", "Merchant fees"),
    ("Dispute fees", "Expense", "BankCharges", "", "Merchant fees"),
    ("Dispute losses", "Expense", "BadDebts", "", ""),
    ("Bad debts", "Expense", "BadDebts", "", ""),
    ("Climate contributions", "Expense", "CharitableContributions", "", ""),
    ("Software and subscriptions", "Expense", "OfficeGeneralAdministrativeExpenses", "", ""),
    ("Exchange Gain or Loss", "Other Expense", "ExchangeGainOrLoss", "", ""),
    ("Ask my accountant", "Other Expense", "OtherMiscellaneousExpense", "", ""),
)

TRADING: tuple[Row, ...] = (
    *SMALL,
    ("Euro account", "Bank", "Checking", "EUR", ""),
    ("Yen account", "Bank", "Checking", "JPY", ""),
    ("Accounts Receivable (A/R) - EUR", "Accounts Receivable", "AccountsReceivable", "EUR", ""),
    ("Stripe clearing EUR", "Bank", "CashOnHand", "EUR", ""),
    ("Stripe clearing JPY", "Bank", "CashOnHand", "JPY", ""),
)
"""Only accounts of type Bank, Credit Card, A/R and A/P can have a currency of their own in QuickBooks."""

CLASSES = ("Online shop", "Wholesale")
CUSTOMERS = ("Amber & Sons", "Blue Harbor LLC", "Stripe customers")
VENDORS = ("Stripe", "City Power")
TAX_CODES = (("TAX", "Taxable"), ("NON", "Nontaxable"))
RATES = {"EUR": "1.0850", "JPY": "0.0066", "GBP": "1.2700", "CAD": "0.7300", "KWD": "3.2500"}
"""Home units (USD) for one of the currency, where a document does not say."""
