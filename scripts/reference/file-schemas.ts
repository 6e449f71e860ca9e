import { files } from './files.ts'

/** A JSON Schema for each file of a project, by the name under which editors get it; dialect 2019 and later read tuples otherwise. */
export function fileSchemas(): Record<string, string> {
  const published = files.filter(({ name }) => name.endsWith('.yaml'))
  return Object.fromEntries(
    published.map(({ name, about, schema }) => {
      const head = { $schema: 'http://json-schema.org/draft-07/schema#', title: name, description: about }
      return [`${name.replace(/(\/\*)?\.yaml$/, '')}.json`, `${JSON.stringify({ ...head, ...schema }, null, 1)}\n`]
    }),
  )
}
