import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { MlflowModel } from '../shapes.ts'
import type { ModelSpec, Run } from '../spec/spec.ts'

/** Python takes its time to import; people wait less for a port than for an answer. */
const patience = '180s'

/** How a version of MLflow's client runs where its spec says nothing: by the scoring server that MLflow brings. */
export function mlflowServer(command: string): Run {
  return {
    protocol: 'mlflow',
    command: [
      ...command.split(' ').filter((word) => word !== ''),
      '-m',
      '{artifact}',
      '-h',
      '127.0.0.1',
      '-p',
      '{port}',
      '--env-manager',
      'local',
    ],
    start_within: patience,
    environment: ['VIRTUAL_ENV', 'PYTHONPATH'],
  }
}

/** A classifier of scikit-learn is asked for chances where its endpoint serves chances; alone it would answer with classes. */
export function asksForChances(facts: MlflowModel | null, serves: ModelSpec['serves'] | undefined): boolean {
  return (
    serves?.output === 'binary' && facts?.loader === 'mlflow.sklearn' && (facts.predicts ?? 'predict') === 'predict'
  )
}

/** Writes that into the folder's own copy of its MLmodel file, as `pyfunc_predict_fn` does when a model is logged. */
export async function predictChances(folder: string): Promise<void> {
  const { isMap, parseDocument } = await import('yaml')
  const path = join(folder, 'MLmodel')
  const document = parseDocument(await readFile(path, 'utf8'))
  const pyfunc = document.getIn(['flavors', 'python_function'])
  if (!isMap(pyfunc)) return
  pyfunc.set('predict_fn', 'predict_proba')
  await writeFile(path, document.toString())
}
