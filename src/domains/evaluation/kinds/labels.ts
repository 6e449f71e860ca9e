import type { Task } from '../comparison/comparison.ts'

/** What turned out: a number, a class, an expected text, or how relevant each item of a ranked list is. */
export type Label = number | string | number[] | Record<string, number>

type LabelRule = { expected: string; read: (value: unknown) => Label | undefined }

const rules: Record<Task, LabelRule> = {
  binary: { expected: '0 or 1', read: (value) => only(numberOf(value), (number) => number === 0 || number === 1) },
  regression: { expected: 'a finite number', read: numberOf },
  multiclass: { expected: 'a class', read: classLabel },
  ranking: {
    expected: 'a relevance of 0 or more, or one for each item of the list',
    read: (value) => relevance(value) ?? relevances(value),
  },
  text: { expected: 'the expected text, or a score from 0 to 1', read: textLabel },
}

/** A label as answers of this kind have them; undefined for what is none. Numbers and flags may be written as text. */
export function readLabel(value: unknown, task: Task): Label | undefined {
  return rules[task].read(value)
}

export function expectedLabel(task: Task): string {
  return rules[task].expected
}

function only(value: number | undefined, allowed: (value: number) => boolean): number | undefined {
  return value !== undefined && allowed(value) ? value : undefined
}

function numberOf(value: unknown): number | undefined {
  if (value === true || value === 'true') return 1
  if (value === false || value === 'false') return 0
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

/** The log keeps flags as 1 and 0, so a class that is a flag is kept so too. */
function classLabel(value: unknown): Label | undefined {
  if (typeof value === 'boolean') return Number(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined
  return typeof value === 'string' && value !== '' ? value : undefined
}

function textLabel(value: unknown): Label | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value
  return only(numberOf(value), (score) => score >= 0 && score <= 1)
}

function relevance(value: unknown): number | undefined {
  return typeof value === 'object' ? undefined : only(numberOf(value), (number) => number >= 0)
}

/** Relevances of a list: in its order, or by item; also as the JSON text of either. */
function relevances(value: unknown): Label | undefined {
  const given = typeof value === 'string' && /^\s*[[{]/.test(value) ? parsed(value) : value
  if (typeof given !== 'object' || given === null) return undefined
  const entries = Object.entries(given).map(([item, one]) => [item, relevance(one)] as const)
  const known = entries.flatMap(([item, one]) => (one === undefined ? [] : [[item, one] as const]))
  if (known.length === 0 || known.length < entries.length) return undefined
  return Array.isArray(given) ? known.map(([, one]) => one) : Object.fromEntries(known)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // No JSON, so no relevances.
    return undefined
  }
}
