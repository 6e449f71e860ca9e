import type { AnyValue } from '../../domains/traces/traces.ts'

/** What OpenInference writes as one attribute for each leaf, `llm.input_messages.0.message.role`: what was asked, and what came. */
export const flattenedInputs = ['llm.input_messages', 'llm.prompts'] as const
export const flattenedOutputs = ['llm.output_messages', 'llm.choices', 'retrieval.documents'] as const

/** What somebody nests deeper is no part of a message; its attribute stays as it was written. */
const deepest = 12
/** Each entry of a list is wrapped in an object that says what it is. */
const wrappers: ReadonlySet<string> = new Set([
  'message',
  'message_content',
  'tool_call',
  'document',
  'prompt',
  'completion',
])

type Tree = { value?: AnyValue | undefined; parts: Map<string, Tree> }

/** The list that lies under the first of the prefixes, in the shape of a chat's messages; undefined where there is none. */
export function unflattened(
  own: ReadonlyMap<string, AnyValue | undefined>,
  prefixes: readonly string[],
): AnyValue | undefined {
  for (const prefix of prefixes) {
    const tree: Tree = { parts: new Map() }
    for (const [key, value] of own)
      if (value !== undefined && key.startsWith(`${prefix}.`))
        grow(tree, key.slice(prefix.length + 1).split('.'), value)
    if (tree.parts.size > 0 && isList(tree)) return said(tree)
  }
  return undefined
}

function grow(tree: Tree, path: readonly string[], value: AnyValue): void {
  let at = tree
  if (path.length > deepest) return
  for (const part of path) {
    const next = at.parts.get(part) ?? { parts: new Map() }
    at.parts.set(part, next)
    at = next
  }
  at.value = value
}

function isList({ parts }: Tree): boolean {
  return [...parts.keys()].every((name) => /^\d{1,9}$/.test(name))
}

function said({ value, parts }: Tree): AnyValue {
  if (parts.size === 0) return value ?? {}
  if (isList({ parts })) {
    const ordered = [...parts].sort(([a], [b]) => Number(a) - Number(b))
    return { arrayValue: { values: ordered.map(([, part]) => said(part)) } }
  }
  const [[name, only] = ['', undefined]] = parts
  if (parts.size === 1 && only && wrappers.has(name)) return said(only)
  const named = [...parts].map(([key, part]) => ({
    // A message of several parts has them as its content, as everywhere else.
    key: key === 'contents' && !parts.has('content') ? 'content' : key,
    value: said(part),
  }))
  return { kvlistValue: { values: named } }
}
