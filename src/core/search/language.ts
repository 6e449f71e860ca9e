import { invalidInput } from '../errors.ts'

/**
 * MLflow's search language: `name operator value` joined by AND; no OR, no parentheses but those of a list.
 * `entity` is what stands before the first dot ("" for a bare name), `key` what stands after it, without its quotes.
 */
export type Clause = {
  entity: string
  key: string
  operator:
    | '='
    | '!='
    | '<'
    | '<='
    | '>'
    | '>='
    | 'like'
    | 'ilike'
    | 'rlike'
    | 'in'
    | 'not in'
    | 'is null'
    | 'is not null'
  value: string | number | (string | number)[]
}

type Token =
  | { kind: 'name'; entity: string; key: string; quoted: boolean }
  | { kind: 'operator'; text: string }
  | { kind: 'text'; text: string }
  | { kind: 'number'; value: number }
  | { kind: 'open' | 'close' | 'comma' }

const maxFilterLength = 20_000

export function parseFilter(filter: string | undefined): Clause[] {
  if (filter === undefined || filter.trim() === '') return []
  if (filter.length > maxFilterLength) throw invalidInput('Invalid filter string: it is too long.')
  const tokens = tokenize(filter)
  const clauses: Clause[] = []
  let at = 0

  const fail = (): never => {
    throw invalidInput(`Invalid clause(s) in filter string: ${JSON.stringify(filter)}`)
  }
  const next = (): Token => tokens[at++] ?? fail()
  const word = (expected: string): boolean => {
    const token = tokens[at]
    const found = token?.kind === 'name' && !token.quoted && token.entity === '' && token.key.toLowerCase() === expected
    if (found) at += 1
    return found
  }

  function list(): (string | number)[] {
    if (next().kind !== 'open') fail()
    const items: (string | number)[] = []
    for (;;) {
      const item = next()
      if (item.kind === 'text') items.push(item.text)
      else if (item.kind === 'number') items.push(item.value)
      else fail()
      const after = next()
      if (after.kind === 'close') return items
      if (after.kind !== 'comma') fail()
    }
  }

  function scalar(): string | number {
    const token = next()
    if (token.kind === 'text') return token.text
    return token.kind === 'number' ? token.value : fail()
  }

  function clause(): Clause {
    const name = next()
    if (name.kind !== 'name') return fail()
    const { entity, key } = name
    if (word('is')) {
      const operator = word('not') ? 'is not null' : 'is null'
      return word('null') ? { entity, key, operator, value: '' } : fail()
    }
    if (word('not')) return word('in') ? { entity, key, operator: 'not in', value: list() } : fail()
    if (word('in')) return { entity, key, operator: 'in', value: list() }
    for (const operator of ['like', 'ilike', 'rlike'] as const)
      if (word(operator)) return { entity, key, operator, value: scalar() }
    const operator = next()
    if (operator.kind !== 'operator') return fail()
    return { entity, key, operator: operator.text as Clause['operator'], value: scalar() }
  }

  for (;;) {
    clauses.push(clause())
    if (at === tokens.length) return clauses
    if (!word('and')) fail()
  }
}

function tokenize(filter: string): Token[] {
  const tokens: Token[] = []
  let at = 0

  const fail = (): never => {
    throw invalidInput(
      `Invalid filter string: ${JSON.stringify(filter.slice(0, 500))} cannot be read at position ${at}.`,
    )
  }
  function quoted(): string {
    const quote = filter[at] ?? ''
    let found = ''
    for (at += 1; at < filter.length; at += 1) {
      if (filter[at] !== quote) found += filter[at]
      else if (filter[at + 1] === quote) {
        found += quote
        at += 1
      } else {
        at += 1
        return found
      }
    }
    return fail()
  }
  function name(): Token {
    const plain = /[\w.\-/:@$]/
    let entity = ''
    let key = ''
    let wasQuoted = false
    while (at < filter.length) {
      const character = filter[at] ?? ''
      if (character === '`' || character === '"') {
        key += quoted()
        wasQuoted = true
      } else if (plain.test(character)) {
        at += 1
        if (character === '.' && entity === '' && !wasQuoted && key !== '') {
          entity = key
          key = ''
        } else key += character
      } else break
    }
    return { kind: 'name', entity, key, quoted: wasQuoted }
  }
  /** A text in double quotes is a value after an operator or in a list, otherwise a name. */
  function expectsValue(): boolean {
    const last = tokens.at(-1)
    if (!last) return false
    if (last.kind === 'operator' || last.kind === 'open' || last.kind === 'comma') return true
    return last.kind === 'name' && !last.quoted && /^(i|r)?like$/i.test(last.key)
  }

  while (at < filter.length) {
    const character = filter[at] ?? ''
    if (/\s/.test(character)) at += 1
    else if (character === '(' || character === ')' || character === ',') {
      tokens.push({ kind: character === '(' ? 'open' : character === ')' ? 'close' : 'comma' })
      at += 1
    } else if (/[=!<>]/.test(character)) {
      const text = /^(>=|<=|!=|=|<|>)/.exec(filter.slice(at, at + 2))?.[0] ?? fail()
      tokens.push({ kind: 'operator', text })
      at += text.length
    } else if (character === "'" || (character === '"' && expectsValue())) {
      tokens.push({ kind: 'text', text: quoted() })
    } else {
      const number = expectsValue()
        ? /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?(?![\w.])/i.exec(filter.slice(at, at + 400))
        : null
      if (number) {
        tokens.push({ kind: 'number', value: Number(number[0]) })
        at += number[0].length
      } else if (/[\w`"]/.test(character)) tokens.push(name())
      else fail()
    }
  }
  return tokens
}

export type Sort = { entity: string; key: string; descending: boolean }

/** `metrics.m DESC`: one thing to order by. */
export function parseSort(order: string): Sort {
  const match = /^\s*(.*?)(?:\s+(asc|desc))?\s*$/is.exec(order)
  const [token, ...rest] = tokenize(match?.[1] ?? '')
  if (token?.kind !== 'name' || rest.length > 0) throw invalidInput(`Invalid order_by clause ${JSON.stringify(order)}.`)
  return { entity: token.entity, key: token.key, descending: match?.[2]?.toLowerCase() === 'desc' }
}
