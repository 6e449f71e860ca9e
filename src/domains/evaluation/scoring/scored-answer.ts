import type { Row } from '../../../core/onnx/onnx.ts'

/** An answer with what it answers and what was expected. */
export type Given = { id: string; question: Row; expected: string; answer: string }
