# Business: how much is done, how much of it succeeds.
#
# Value and revenue are control's: they come from the events, not from CloudWatch.

locals {
  # The operations that move money or open a wallet, as wallet-svc names them.
  movements = ["deposit", "withdraw", "transfer", "create_wallet"]
  looks     = ["balance", "balance_at", "statement", "transaction", "wallet", "user_wallets"]

  by_operation = { for metric in ["Requests", "Errors", "Declines"] : metric => {
    for operation in concat(local.movements, local.looks) : operation =>
    ["Wallet", metric, "Environment", var.environment, "Operation", operation]
  } }

  business = [
    {
      title = "Movements a minute", stat = "Sum"
      metrics = [for operation in local.movements :
      concat(local.by_operation.Requests[operation], [{ label = operation }])]
    },
    {
      title = "Looks a minute", stat = "Sum"
      metrics = [for operation in local.looks :
      concat(local.by_operation.Requests[operation], [{ label = operation }])]
    },
    {
      title = "Success rate, %", stat = "Sum", min = 90, max = 100
      metrics = concat(
        [[{ expression = "100 * (requests - errors) / requests", label = "answered", id = "success" }]],
        [[{ expression = "100 * (requests - errors - declines) / requests", label = "done as asked", id = "done" }]],
        [
          concat(local.wallet.Requests, [{ id = "requests", visible = false }]),
          concat(local.wallet.Errors, [{ id = "errors", visible = false }]),
          concat(local.wallet.Declines, [{ id = "declines", visible = false }]),
        ],
      )
    },
    {
      title = "Declined movements a minute", stat = "Sum"
      metrics = [for operation in local.movements :
      concat(local.by_operation.Declines[operation], [{ label = operation }])]
    },
    {
      title = "Failed movements a minute", stat = "Sum"
      metrics = [for operation in local.movements :
      concat(local.by_operation.Errors[operation], [{ label = operation }])]
    },
    {
      title = "Movements, total of the period shown", stat = "Sum", view = "singleValue", whole = true
      metrics = [for operation in local.movements :
      concat(local.by_operation.Requests[operation], [{ label = operation }])]
    },
    {
      title   = "What a client experiences: our own deposits", stat = "Average", min = 0, max = 1
      metrics = [["Wallet/Control", "CanarySuccess", "Environment", var.environment, { label = "share that succeeds" }]]
    },
    {
      title   = "Events not yet published", stat = "Maximum"
      metrics = [concat(local.wallet.OutboxPending, [{ label = "batches" }])]
    },
  ]
}
