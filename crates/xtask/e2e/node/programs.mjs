// Runs programs and prints what each one saw, one JSON line for each.

export async function report(client, programs) {
  for (const program of programs) {
    console.log(JSON.stringify({ client, program: program.name, ...(await run(program)) }));
  }
}

async function run(program) {
  try {
    return { got: await program() };
  } catch (error) {
    const status = error.status ?? error.statusCode;
    if (status === undefined) {
      return { failed: `${error.name}: ${error.message}` };
    }
    const body = error.error ?? error.data?.error ?? null;
    return { raised: error.constructor.name, status, body };
  }
}

export function expect(holds, what) {
  if (!holds) {
    throw new Error(`unexpected: ${JSON.stringify(what)}`);
  }
}
