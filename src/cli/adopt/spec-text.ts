import { stringify } from 'yaml'
import type { FoundModel } from './found-model.ts'
import { type Guess, guessOutput } from './output.ts'

/** Where a model was found, and how its versions come here; without `importFrom` they are here, or cannot be imported. */
export type Origin = { place: string; importFrom: string | undefined }
type People = { owner: string | undefined; backup: string | undefined }

const modeline = '# yaml-language-server: $schema=http://127.0.0.1:5335/schemas/models.json'

/** `models/<name>.yaml` for what was found, with the reason of every line that nobody wrote. */
export function specText(model: string, found: FoundModel, origin: Origin, people: People): string {
  const guess = guessOutput(found)
  const lines = [
    modeline,
    ...comment(`Written by "keel adopt" from ${origin.place}${calledThere(model, found)}.`),
    ...comment(liveThere(model, found, origin)),
    ...(model === found.name ? [] : comment(renamed(model, found))),
    `model: ${model}`,
    ...ownerLines(found, people),
    ...purposeLines(found),
    ...servesLines(found, guess),
    ...levelLines(model),
    ...referenceLines(model, found),
  ]
  return `${lines.join('\n')}\n`
}

function calledThere(model: string, { name, versions }: FoundModel): string {
  const called = model === name ? '' : `, where it is called ${quoted(name)}`
  return `${called} (${versions === 1 ? '1 version' : `${versions} versions`})`
}

function liveThere(model: string, { chosen }: FoundModel, { importFrom }: Origin): string {
  if (!chosen) return 'Nothing was registered under this name yet: what is said of it below are defaults.'
  const { version } = chosen.version
  const why = {
    alias: `The alias ${quoted(chosen.alias ?? '')} names version ${version}, so the facts below are of it.`,
    stage: `Version ${version} has the stage "Production", so the facts below are of it.`,
    newest: `No alias (live, production, prod, champion) and no stage says which version answers; the facts below are of the newest, ${version}.`,
  }[chosen.because]
  const bring = importFrom === undefined ? '' : ` "keel import mlflow --from ${importFrom}" brings the versions.`
  const release = `"keel release ${model}@${version}"`
  return `${why}${bring} No alias makes a version live here: ${release} does, after its gate.`
}

function renamed(model: string, { name }: FoundModel): string {
  return `${quoted(name)} is no name of a spec (letters, digits, dot, dash, underscore), hence "${model}". Rename it in MLflow before its versions are brought here, or register the next one as "${model}".`
}

function ownerLines({ chosen, run }: FoundModel, { owner, backup }: People): string[] {
  const user = [chosen?.version.user, run?.user].find((name) => name !== undefined && name.trim().length >= 3)
  const why =
    owner !== undefined
      ? 'As --owner said.'
      : user === undefined
        ? 'MLflow names nobody: put in who answers for it.'
        : `MLflow's user of version ${chosen?.version.version}.`
  return [
    ...comment(why),
    `owner: ${scalar(owner ?? user ?? 'you@team.example')}`,
    ...comment(
      backup === undefined
        ? 'Who answers when the owner is away; MLflow does not know: put in a second person.'
        : 'As --backup said.',
    ),
    `backup: ${scalar(backup ?? 'colleague@team.example')}`,
  ]
}

function purposeLines({ description }: FoundModel): string[] {
  const said = oneLine(description)
  if (said.length >= 10)
    return [...comment("MLflow's description of the model."), `purpose: ${scalar(said.slice(0, 500))}`]
  return [
    ...comment('MLflow has no description (of 10 letters or more): say what is decided with the answers.'),
    'purpose: Not said yet what is decided with its answers.',
  ]
}

function servesLines(found: FoundModel, { output, because, sure }: Guess): string[] {
  const other = {
    binary: ' Where there are more than two classes write multiclass, for a number regression.',
    multiclass: ' For a free text write text.',
    regression: ' For a class write binary or multiclass.',
    ranking: '',
    text: '',
  }[output]
  return [
    ...comment(`${output}, because ${because}.${sure ? '' : other}`),
    ...comment(`Inputs: ${inputsOf(found)}`),
    ...comment(runsBy(found)),
    `serves: { output: ${output} }`,
    ...(output === 'text'
      ? [
          ...comment(
            'How an answer becomes a number: whether it is the expected one. See scorers in the guide to evaluation.',
          ),
          'success: { scorers: [{ name: exact, kind: exact, ignore_case: true }] }',
        ]
      : []),
  ]
}

const mostInputs = 12

function inputsOf({ mlmodel, chosen }: FoundModel): string {
  if (!mlmodel)
    return chosen
      ? 'not known, because its MLmodel file could not be read. Log the next version with an input_example.'
      : 'not known, because there is no version.'
  const inputs = mlmodel.signature?.inputs ?? []
  if (inputs.length === 0) return `not known. ${mlmodel.warnings.join(' ')}`
  const shown = inputs
    .slice(0, mostInputs)
    .map(({ name, type, missing }) => `${oneLine(name)} (${type}${missing ? ', may be missing' : ''})`)
  const more = inputs.length > mostInputs ? [`and ${inputs.length - mostInputs} more`] : []
  const notes = mlmodel.warnings.length === 0 ? '' : ` ${mlmodel.warnings.join(' ')}`
  return `${[...shown, ...more].join(', ')}, by the signature in its MLmodel file; the version brings them along.${notes}`
}

function runsBy({ mlmodel }: FoundModel): string {
  const flavors = mlmodel?.facts.flavors ?? []
  if (flavors.length === 0) return 'How it runs is not known: no flavor was found.'
  if (flavors.includes('onnx')) return 'It runs inside the server, because its flavor is onnx.'
  const named = flavors.filter((flavor) => flavor !== 'python_function')
  return `It runs by "mlflow models serve" (the setting mlflow), because its flavor is ${oneLine((named.length > 0 ? named : flavors).join(', '))}.`
}

function levelLines(model: string): string[] {
  return [
    ...comment(
      'Level watch, because nobody can know its golden set: it is monitored, and nothing is judged. A golden set (rows with known answers, under "golden" in keel.yaml) makes it a gate:',
    ),
    `# golden: ${model.slice(0, 121)}-golden`,
    ...comment(
      'MLflow does not know where it is seen what turned out. Name a source, its column, and the time until all labels are there:',
    ),
    '# labels: { from: outcomes.happened, arrive_within: 30d }',
    ...comment(
      'A window of a week, which is the default: long enough for the few hundred rows that a judgement needs.',
    ),
    'monitoring: { every: 7d }',
  ]
}

function referenceLines(model: string, { chosen, run }: FoundModel): string[] {
  if (!chosen) return []
  const contexts = (run?.datasets ?? []).map(({ name, tags }) => {
    const context = tags.find(({ key }) => key === 'mlflow.data.context')?.value
    return `${quoted(name)}${context === undefined ? '' : ` (${oneLine(context)})`}`
  })
  const known =
    contexts.length === 0
      ? 'Its run logged no dataset (mlflow.log_input), so nobody knows what it was trained on.'
      : `Its run logged ${contexts.slice(0, 5).join(', ')}, of which MLflow keeps the name and not the rows.`
  return [
    ...comment(
      `The reference for drift, skew and leakage are the rows that it was trained on. ${known} Hand them in once:`,
    ),
    `#   keel models reference ${model}@${chosen.version.version} train.csv --label <column>`,
  ]
}

/** Texts of others, on one line and without what would end a comment or command a terminal. */
function oneLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ').trim()
}

const quoted = (text: string) => `"${oneLine(text)}"`
const scalar = (text: string) => stringify(oneLine(text), { lineWidth: 0 }).trimEnd()

const width = 118

function comment(text: string): string[] {
  const lines: string[] = []
  let line = '#'
  for (const word of text.split(' ')) {
    if (line.length + word.length >= width && line !== '#') {
      lines.push(line)
      line = '#'
    }
    line += ` ${word}`
  }
  return [...lines, line]
}
