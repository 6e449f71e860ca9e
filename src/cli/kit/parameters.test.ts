import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../../core/errors.ts'
import { ChosenKind } from '../../domains/delivery/contract.ts'
import { defineCommand } from './command.ts'
import {
  amount,
  argument,
  argumentForm,
  count,
  duration,
  flag,
  helpOf,
  oneOf,
  optionalArgument,
  optionFlags,
  optionName,
  type Parameter,
  type ParsedValue,
  required,
  text,
  texts,
  time,
  valuesOf,
  withDefault,
} from './parameters.ts'

/** What the value is, or how it was refused. */
function read(parameter: Parameter, given: ParsedValue): unknown {
  try {
    return parameter.read(given, '--it')
  } catch (error) {
    assert.ok(error instanceof AppError)
    assert.deepEqual([error.exitCode, error.message.includes('--it') || error.offender === given], [2, true])
    return error.hint ?? error.message
  }
}

test('a word that is not allowed is refused with the nearest one and all that are', () => {
  const kind = oneOf(ChosenKind, 'what is new')
  assert.equal(read(kind, 'prompt'), 'prompt')
  assert.equal(read(kind, undefined), undefined)
  assert.equal(read(kind, 'promt'), 'Did you mean "prompt"? Use model, data, features, prompt, config or code.')
  assert.equal(read(kind, 'xxxxxxxxxx'), 'Use model, data, features, prompt, config or code.')
})

test('numbers, times and durations are read before anything is asked', () => {
  assert.equal(read(count('n'), '12'), 12)
  for (const given of ['1.5', '-1', 'many', '']) assert.match(String(read(count('n'), given)), /whole number/)
  assert.equal(read(amount('share'), '-0.25'), -0.25)
  for (const given of ['half', '']) assert.match(String(read(amount('share'), given)), /must be a number/)
  assert.equal(read(time('when'), '2001-05-01T12:00'), '2001-05-01T12:00:00.000Z')
  assert.match(String(read(time('when'), 'noon')), /2001-05-01T12:00/)
  assert.equal(read(duration('how long'), '2h'), '2h')
  assert.match(String(read(duration('how long'), '2 hours')), /30s, 10m, 2h/)
})

test('what was left out is undefined, its default, or refused when it is needed', () => {
  assert.equal(read(text('why'), undefined), undefined)
  assert.equal(read(flag('yes'), undefined), false)
  assert.deepEqual(read(texts('some', 'name'), undefined), [])
  assert.equal(read(withDefault(count('how many'), 20), undefined), 20)
  assert.equal(read(required(text('why')), undefined), '--it is missing.')
})

test('the help shows what may be typed and what holds without it', () => {
  assert.equal(helpOf(withDefault(oneOf(['csv', 'json'], 'the form'), 'csv')), 'the form: csv or json (default csv)')
  assert.equal(optionFlags('dryRun', flag('')), '--dry-run')
  assert.equal(optionFlags('limit', count('', 'n')), '--limit <n>')
  assert.equal(optionFlags('event', texts('', 'event')), '--event <event...>')
  assert.equal(argumentForm('trainingSet', argument()), '<training-set>')
  assert.equal(argumentForm('given', optionalArgument('model@version')), '[model@version]')
  assert.equal(argumentForm('runs', required(texts('', 'runs'))), '<runs...>')
  assert.deepEqual(valuesOf({ dryRun: flag('') }, { dryRun: true }, optionName), { dryRun: true })
})

test('a command knows the types of its arguments and options; a mistyped name does not compile', async () => {
  const command = defineCommand({
    summary: 'A trial',
    args: { model: argument(), alias: optionalArgument(), runs: texts('', 'runs') },
    options: {
      kind: oneOf(ChosenKind, ''),
      limit: withDefault(count(''), 5),
      reason: required(text('')),
      dry: flag(''),
    },
    async run(_session, { args, options }) {
      const [model, alias, runs]: [string, string | undefined, string[]] = [args.model, args.alias, args.runs]
      const kind: 'model' | 'data' | 'features' | 'prompt' | 'config' | 'code' | undefined = options.kind
      const [limit, reason, dry, json]: [number, string, boolean, boolean] = [
        options.limit,
        options.reason,
        options.dry,
        options.json,
      ]
      // @ts-expect-error: there is no option of this name
      assert.equal(options.limt, undefined)
      // @ts-expect-error: there is no argument of this name
      assert.equal(args.modle, undefined)
      // @ts-expect-error: what may be left out is not a string yet
      const aliasAsText: string = args.alias
      // @ts-expect-error: not one of the words
      assert.notEqual(options.kind, 'modle' satisfies typeof options.kind)
      return { data: [model, alias, runs, kind, limit, reason, dry, json, aliasAsText] }
    },
  })
  assert.deepEqual(Object.keys(command.options ?? {}), ['kind', 'limit', 'reason', 'dry'])
})
