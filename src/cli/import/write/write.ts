export { checkCounts } from './counts.ts'
export { importMlflow } from './import-mlflow.ts'
