import type { Clause } from '../../core/search/search.ts'
import { parse } from '../../core/validate.ts'
import { ModelName } from '../../domains/registry/contract.ts'
import { invalid, missing, orSay } from './errors.ts'
import * as input from './input.ts'
import { promptTag } from './registry-views.ts'

export function modelName(fields: input.Fields, name = 'name'): string {
  const value = input.optionalText(fields, name) ?? ''
  if (value.trim() === '') throw invalid('Registered model name cannot be empty.')
  return valid(value)
}

function valid(name: string): string {
  try {
    return parse(ModelName, name)
  } catch {
    throw invalid(`Invalid model name: ${JSON.stringify(name)}. It must not hold "/" or ":" or be longer than 255.`)
  }
}

export function onName<T>(name: string, work: Promise<T>): Promise<T> {
  return orSay(work, 'not_found', () => missing(`Registered Model with name=${name} not found`))
}

/** Prompts are models with a tag; a search that does not speak of them does not find them. */
export function kindOf(clauses: Clause[]): { kind: 'model' | 'prompt'; rest: Clause[] } {
  const about = clauses.filter(({ entity, key }) => /^tags?$/i.test(entity) && key === promptTag)
  const wanted = about.some(({ operator, value }) => (operator === '=') === (value === 'true'))
  return { kind: wanted ? 'prompt' : 'model', rest: clauses.filter((clause) => !about.includes(clause)) }
}

const stages = ['None', 'Staging', 'Production', 'Archived'] as const

export function toStage(text: string): (typeof stages)[number] {
  const found = stages.find((stage) => stage.toLowerCase() === text.toLowerCase())
  if (!found) throw invalid(`Invalid Model Version stage: ${text}. Value must be one of ${stages.join(', ')}.`)
  return found
}

export function versionNumber(fields: input.Fields): number {
  const value = fields['version']
  const text = typeof value === 'number' ? String(value) : input.text(fields, 'version')
  if (!/^\d{1,15}$/.test(text) || Number(text) < 1)
    throw invalid(`Parameter 'version' must be an integer, got ${JSON.stringify(text)}.`)
  return Number(text)
}
