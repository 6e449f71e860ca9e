export { attempt, tellReceivers } from './deliver.ts'
export { mlflowEvents } from './formats/mlflow.ts'
export { create, deliveries, get, list, redeliver, remove, test, update } from './subscriptions.ts'
