package scalar_tx.bench;

import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.exception.transaction.TransactionException;
import java.util.Random;

/** What draws one transaction after the other. */
interface Workload {
  Operation drawn(Random dice);

  /** A transaction whose values are drawn, and stay however often it is tried. */
  interface Operation {
    /** Whether it only reads. */
    boolean readOnly();

    /** Do it, but for the commit; false: it is to be rolled back, and is done with that. */
    boolean run(DistributedTransaction tx) throws TransactionException;
  }
}
