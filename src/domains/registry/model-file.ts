import type { Context } from '../../core/context.ts'
import { AppError } from '../../core/errors.ts'
import { elementOf, listed, type ModelFacts, openPooledOnnx, shown, type Value } from '../../core/onnx/onnx.ts'
import { didYouMean } from '../../core/suggest.ts'
import * as artifacts from '../artifacts/artifacts.ts'
import { isClass } from './answer-marks.ts'
import { currentSpec } from './applied-specs.ts'
import { modelUse } from './model-use.ts'
import { probe } from './probe.ts'
import type { Signature } from './signature.ts'
import type { ModelSpec } from './spec/spec.ts'

type Draft = { model: string; flavor: string; artifact?: string; signature?: Signature }
type Serves = ModelSpec['serves'] | undefined
type FileCheck = { signature: Signature | undefined; warnings: string[] }

/**
 * Opens the file of a new version, holds it against its signature and the spec, and asks it about three made-up rows. What is
 * answered elsewhere (`serves.run`, `serves.upstream`, MLflow's flavors) has no file to open here. The signature comes back
 * with what the file says more exactly: whole numbers, their range, one row at a time.
 */
export async function checkModelFile(ctx: Context, draft: Draft): Promise<FileCheck> {
  const { signature, artifact, flavor } = draft
  if ((flavor !== 'onnx' && flavor !== 'mlflow') || artifact === undefined || !signature)
    return { signature, warnings: [] }
  const serves = (await currentSpec(ctx, draft.model))?.serves
  if (serves?.run || serves?.upstream) return { signature, warnings: [] }
  const { files } = await artifacts.get(ctx, { digest: artifact })
  const file = files.find(({ path }) => path.endsWith('.onnx'))
  if (flavor === 'onnx') return checkFile(ctx, { ...draft, signature, serves, file, files })
  return file
    ? orElsewhere(checkFile(ctx, { ...draft, signature, serves, file, files }), signature)
    : { signature, warnings: [] }
}

/** A file that cannot be asked here runs where its other flavors do; a client of MLflow is not refused for it. */
async function orElsewhere(checked: Promise<FileCheck>, signature: Signature): Promise<FileCheck> {
  try {
    return await checked
  } catch (error) {
    if (!(error instanceof AppError) || error.status >= 500) throw error
    const why = `${error.message}${error.hint === undefined ? '' : ` ${error.hint}`}`
    return { signature, warnings: [`Its ONNX file is not asked in this server: ${why}`] }
  }
}

type File = { path: string; digest: string }
type OpenedDraft = {
  model: string
  flavor: string
  signature: Signature
  serves: Serves
  file: File | undefined
  files: readonly File[]
  artifact?: string
}

async function checkFile(
  ctx: Context,
  { model: name, flavor, artifact, signature, serves, file, files }: OpenedDraft,
): Promise<FileCheck> {
  if (!file)
    throw mismatch(`The artifact has no file that ends in ".onnx": ${files.map(({ path }) => path).join(', ')}.`, {
      name: artifact ?? name,
    })
  const model = await openPooledOnnx(ctx, {
    name,
    read: () => ctx.blobs.readVerified(file.digest),
    use: { ...modelUse(signature, serves), strict: true },
    purpose: 'background',
  })
  try {
    const exact = model.facts ? heldAgainst(model.facts, signature, serves) : signature
    // What MLflow's client says of a model is of all its flavors, which may read more than the ONNX file does.
    if (model.facts && flavor === 'onnx') refuseUnmatched(model.facts, signature, serves)
    const { answers, oneByOne, warnings } = await probe(model, exact.inputs)
    const kind = model.facts?.output.kind
    return {
      signature: oneByOne ? { ...exact, batch: 1 } : exact,
      warnings: [
        ...warnings,
        ...(oneByOne
          ? ['It answers rows otherwise, or not at all, when they come together: it is asked row by row.']
          : []),
        ...doubts(answers, kind),
      ],
    }
  } finally {
    await model.close()
  }
}

/** Every column that the file reads is in the signature, with a type that its tensor can hold. */
function heldAgainst(facts: ModelFacts, signature: Signature, serves: Serves): Signature {
  const inputs = new Map(signature.inputs.map((input) => [input.name, input]))
  for (const port of facts.inputs) {
    for (const column of port.columns) {
      const input = inputs.get(column)
      if (!input) throw unnamed(column, port, facts, signature)
      const maybe = input.missing === true || serves?.missing?.includes(column) === true
      inputs.set(column, exactly(input, port, maybe))
    }
  }
  return {
    ...signature,
    inputs: signature.inputs.map((input) => inputs.get(input.name) ?? input),
    output: { ...signature.output, found: facts.output.name },
  }
}

/** A name that the file does not have is a mistake: an input that nobody reads would be asked of every caller. */
function refuseUnmatched(facts: ModelFacts, { inputs, output }: Signature, serves: Serves): void {
  const read = facts.inputs.flatMap(({ columns }) => columns)
  const unread = inputs.find(({ name }) => !read.includes(name))
  if (unread)
    throw mismatch(
      `The signature has the input "${unread.name}", which the model does not read: ${facts.inputs.length === 0 ? 'it reads none' : listed(facts.inputs)}.`,
      {
        name: unread.name,
        hint:
          didYouMean(unread.name, read) ??
          'Take it out of the signature, or name it under "columns" of the input that it fills.',
      },
    )
  const names = inputs.map(({ name }) => name)
  const absent = serves?.missing?.find((name) => !names.includes(name))
  if (absent !== undefined)
    throw mismatch(
      `"serves.missing" in the spec names "${absent}", which is no input of the model: ${names.join(', ')}.`,
      {
        name: absent,
        hint: didYouMean(absent, names) ?? 'Take it out of the spec.',
      },
    )
  const { outputs, output: chosen } = facts
  const said = output.kind !== undefined || output.column !== undefined
  if (outputs.length < 2 || said || isMeant(output.name, chosen.name)) return
  throw mismatch(`The signature has the output "${output.name}", which the model does not have: ${listed(outputs)}.`, {
    name: output.name,
    hint: `Name the one that answers: "output": ${JSON.stringify({ ...output, name: chosen.name })}.`,
  })
}

/** `probability` is meant for `probabilities` and for `output_probability`; with several outputs to choose from, `y` for none. */
function isMeant(name: string, chosen: string): boolean {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')
  const ending = 3
  const stem = plain(name)
  return name === chosen || plain(chosen).includes(stem.length > 2 * ending ? stem.slice(0, -ending) : stem)
}

function unnamed(
  column: string,
  port: ModelFacts['inputs'][number],
  facts: ModelFacts,
  { inputs }: Signature,
): AppError {
  const names = inputs.map(({ name }) => name)
  const plain = (name: string) => name.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')
  const near = names.find((name) => plain(name) === plain(column))
  const said = JSON.stringify({
    [port.name]: port.columns.map((name) => (name === column ? (near ?? '<input>') : name)),
  })
  const hint = near ? `If "${near}" is it, say so: "columns": ${said}.` : didYouMean(column, names)
  const what = port.columns.length === 1 && column === port.name ? shown(port) : `"${column}" for ${shown(port)}`
  return mismatch(`The model reads ${what}, which is not among the inputs of the signature: ${names.join(', ')}.`, {
    name: column,
    hint: hint ?? `The file has: ${listed(facts.inputs)}. Map them in the signature: "columns": ${said}.`,
  })
}

const mostExact = 2n ** 53n

/** The input with what its tensor demands: a whole number, a range, yes or no. */
function exactly(
  input: Signature['inputs'][number],
  port: ModelFacts['inputs'][number],
  maybeMissing: boolean,
): Signature['inputs'][number] {
  const { kind, range } = elementOf(port.type) ?? { kind: 'number' }
  const { name, type } = input
  if ((kind === 'string') !== (type === 'string'))
    throw mismatch(`The input ${shown(port)} is not what the signature says of "${name}": ${type}.`, {
      name,
      hint: `Write "type": "${kind}" for it, or export the model with another type.`,
    })
  if (maybeMissing && (kind === 'integer' || kind === 'boolean'))
    throw mismatch(`"${name}" may be missing, and ${shown(port)} has no value that says so.`, {
      name,
      hint: 'Export the model with a float input, in which NaN is missing.',
    })
  if (kind === 'boolean') return { ...input, type: 'boolean' }
  if (kind !== 'integer' || type === 'boolean') return input
  const [least, most] = range ?? [-mostExact, mostExact]
  return {
    ...input,
    type: 'integer',
    ...(least > -mostExact ? { minimum: Math.max(Number(least), input.minimum ?? Number(least)) } : {}),
    ...(most < mostExact ? { maximum: Math.min(Number(most), input.maximum ?? Number(most)) } : {}),
  }
}

function doubts(answers: readonly Value[], kind: ModelFacts['output']['kind']): string[] {
  const numbers = answers.filter((answer) => typeof answer === 'number')
  const odd = kind === 'score' ? numbers.find((answer) => answer < 0 || answer > 1) : undefined
  const classes = kind === 'score' && numbers.length > 1 && numbers.every(isClass)
  const nothing = answers.some((answer) => answer === null || (typeof answer === 'number' && !Number.isFinite(answer)))
  return [
    ...(odd === undefined
      ? []
      : [`About made-up rows it answered ${odd}, which is no chance from 0 to 1: such answers are refused.`]),
    ...(classes
      ? [
          `About made-up rows each of its ${numbers.length} answers was 0 or 1: if that is a class (class_for_probability), say which output is the score in the signature.`,
        ]
      : []),
    ...(nothing ? ['About made-up rows it answered with no finite number: such answers are refused.'] : []),
  ]
}

function mismatch(message: string, details: { name: string; hint?: string | undefined }): AppError {
  return new AppError('model_mismatch', message, details)
}
