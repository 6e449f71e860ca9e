export async function curve(_sizes: number[]): Promise<void> {}
