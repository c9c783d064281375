package scalar_tx.bench;

import com.scalar.db.api.DistributedTransaction;
import com.scalar.db.api.DistributedTransactionManager;
import com.scalar.db.exception.transaction.TransactionException;
import java.util.Random;

/** What draws one transaction after the other. */
interface Workload {
  Operation drawn(Random dice);

  /** A transaction whose values are drawn, and stay however often it is tried. */
  interface Operation {
    /** Begin it; what only reads says so where the library wants to know. */
    default DistributedTransaction begin(DistributedTransactionManager manager)
        throws TransactionException {
      return manager.begin();
    }

    /** Do it, but for the commit; false: it is to be rolled back, and is done with that. */
    boolean run(DistributedTransaction tx) throws TransactionException;
  }
}
