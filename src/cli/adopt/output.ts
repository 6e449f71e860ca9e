import type { Output } from '../../core/contract.ts'
import type { registry } from '../../domains/registry/contract.ts'
import type { FoundModel } from './found-model.ts'

type Kind = NonNullable<Output<(typeof registry)['getModel']>['spec']>['serves']['output']

/** What a model answers, with the reason to believe so; `sure` is false where only a person can tell. */
export type Guess = { output: Kind; because: string; sure: boolean }

const ofClasses = /^(?:.*_)?(?:roc_auc|auc|accuracy.*|f1.*|log_loss|logloss|precision.*|recall.*|brier.*)$/i
const ofNumbers = /^(?:.*_)?(?:rmse|mae|mse|mape|r2|root_mean_squared_error|mean_(?:absolute|squared).*|r2_score)$/i
const languageModels = /^mlflow\.(?:langchain|openai|llama_index|dspy|anthropic|bedrock|sentence_transformers)/

/** The strongest sign first: the class of the estimator, then what the run measured, then the type of the answers. */
export function guessOutput({ mlmodel, run, answers }: FoundModel): Guess {
  const loader = mlmodel?.facts.loader ?? ''
  if (languageModels.test(loader)) return { output: 'text', because: `it is loaded by ${loader}`, sure: true }
  const areTexts = answers === 'string' || answers === 'str' || answers === 'object'
  const classes = areTexts ? 'multiclass' : 'binary'
  const estimator = run?.tags['estimator_name'] ?? ''
  if (/Classifier|LogisticRegression|NB$|SVC$/.test(estimator))
    return { output: classes, because: `its estimator is a ${estimator}`, sure: false }
  if (/Regress|SVR$|Ridge$|Lasso$|ElasticNet$/.test(estimator))
    return { output: 'regression', because: `its estimator is a ${estimator}`, sure: true }
  const measured = run?.measured ?? []
  const [judged, missed] = [
    measured.filter((name) => ofClasses.test(name)),
    measured.filter((name) => ofNumbers.test(name)),
  ]
  if (judged.length > 0 && missed.length === 0)
    return { output: classes, because: `its run measured ${judged.slice(0, 3).join(', ')}`, sure: false }
  if (missed.length > 0 && judged.length === 0)
    return { output: 'regression', because: `its run measured ${missed.slice(0, 3).join(', ')}`, sure: true }
  if (areTexts) return { output: 'multiclass', because: 'its signature says that it answers with texts', sure: false }
  if (/^(?:u?int\d*|integer|long|bool|boolean)$/.test(answers ?? ''))
    return {
      output: 'binary',
      because: `its signature says that it answers with ${answers}, as classes do`,
      sure: false,
    }
  if (/^(?:float\d*|double)$/.test(answers ?? ''))
    return { output: 'regression', because: `its signature says that it answers with ${answers}`, sure: false }
  return { output: 'binary', because: 'nothing says what it answers: this is a guess', sure: false }
}
