import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DuckDBConnection, DuckDBInstance, DuckDBValue, DuckDBValueConverter, JS } from '@duckdb/node-api'

export type Row = Record<string, unknown>

/**
 * SQL over files: DuckDB in this process, in memory, over Parquet. It keeps nothing; files are the truth.
 * Times are TIMESTAMP, always UTC. `$1`, `$2` … are the parameters; names that come from a caller go through `identifier`.
 */
export type Lake = {
  query(sql: string, parameters?: readonly unknown[]): Promise<Row[]>
  run(sql: string, parameters?: readonly unknown[]): Promise<void>
  /** One connection for a series of statements that share temporary tables. */
  session<T>(work: (lake: Lake) => Promise<T>): Promise<T>
  /** Writes a query's result to a Parquet file (zstd). The file appears whole or not at all. */
  writeParquet(path: string, sql: string, parameters?: readonly unknown[]): Promise<number>
  close(): void
}

export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

type Options = { memoryLimit?: string; threads?: number }

/** The engine is loaded at first use: a server that never asks for analytics never pays for it. */
export function openLake({ memoryLimit = '1GB', threads = 2 }: Options = {}): Lake {
  let instance: Promise<DuckDBInstance> | undefined

  function engine(): Promise<DuckDBInstance> {
    instance ??= import('@duckdb/node-api').then(({ DuckDBInstance }) =>
      DuckDBInstance.create(':memory:', { memory_limit: memoryLimit, threads: String(threads) }),
    )
    return instance
  }

  async function session<T>(work: (lake: Lake) => Promise<T>): Promise<T> {
    const connection = await (await engine()).connect()
    try {
      return await work(over(connection, await exactConverter()))
    } finally {
      connection.closeSync()
    }
  }

  return {
    query: (sql, parameters) => session((lake) => lake.query(sql, parameters)),
    run: (sql, parameters) => session((lake) => lake.run(sql, parameters)),
    writeParquet: (path, sql, parameters) => session((lake) => lake.writeParquet(path, sql, parameters)),
    session,
    close() {
      instance?.then((opened) => opened.closeSync()).catch(() => undefined)
      instance = undefined
    },
  }
}

/** The engine's own conversion, but for decimals without decimals: these are integers, and a double could not hold them. */
async function exactConverter(): Promise<DuckDBValueConverter<JS>> {
  const { DuckDBDecimalValue, JSDuckDBValueConverter } = await import('@duckdb/node-api')
  return (value, type, converter) =>
    value instanceof DuckDBDecimalValue && value.scale === 0
      ? value.value
      : JSDuckDBValueConverter(value, type, converter)
}

function over(connection: DuckDBConnection, converter: DuckDBValueConverter<JS>): Lake {
  const lake: Lake = {
    async query(sql, parameters = []) {
      const reader = await connection.runAndReadAll(sql, parameters as DuckDBValue[])
      return reader.convertRowObjects(converter)
    },
    async run(sql, parameters = []) {
      await connection.run(sql, parameters as DuckDBValue[])
    },
    async writeParquet(path, sql, parameters = []) {
      await mkdir(dirname(path), { recursive: true })
      const draft = `${path}.draft`
      const reader = await connection.runAndReadAll(
        `copy (${sql}) to ${literal(draft)} (format parquet, compression zstd, compression_level 1)`,
        parameters as DuckDBValue[],
      )
      await moveDurably(draft, path)
      return Number(reader.getRowsJson()[0]?.[0] ?? 0)
    },
    session: (work) => work(lake),
    close: () => undefined,
  }
  return lake
}

async function moveDurably(draft: string, path: string): Promise<void> {
  const { open, rename } = await import('node:fs/promises')
  const file = await open(draft)
  await file.sync()
  await file.close()
  await rename(draft, path)
}

/** A value as it was read, as one that JSON has: what is none of these is null. */
export function fromLake(value: unknown): number | bigint | string | boolean | null {
  if (value instanceof Date) return value.toISOString()
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') return value
  return null
}
