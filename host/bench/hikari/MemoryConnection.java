import java.sql.Array;
import java.sql.Blob;
import java.sql.CallableStatement;
import java.sql.Clob;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.NClob;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.SQLWarning;
import java.sql.SQLXML;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Struct;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Executor;

/**
 * A connection that leads nowhere. A class of its own, since a java.lang.reflect.Proxy would cost
 * HikariCP a reflective call at each give-back. What the pool asks of a connection is answered;
 * what only a statement needs is refused.
 */
final class MemoryConnection implements Connection {
  @Override
  public boolean getAutoCommit() {
    return true;
  }

  @Override
  public void setAutoCommit(boolean autoCommit) {}

  @Override
  public void commit() {}

  @Override
  public void rollback() {}

  @Override
  public void close() {}

  @Override
  public boolean isClosed() {
    return false;
  }

  @Override
  public boolean isValid(int seconds) {
    return true;
  }

  @Override
  public void clearWarnings() {}

  @Override
  public SQLWarning getWarnings() {
    return null;
  }

  @Override
  public void setReadOnly(boolean readOnly) {}

  @Override
  public boolean isReadOnly() {
    return false;
  }

  @Override
  public void setTransactionIsolation(int level) {}

  @Override
  public int getTransactionIsolation() {
    return TRANSACTION_READ_COMMITTED;
  }

  @Override
  public void setNetworkTimeout(Executor executor, int milliseconds) {}

  @Override
  public int getNetworkTimeout() {
    return 0;
  }

  @Override
  public void setCatalog(String catalog) {}

  @Override
  public String getCatalog() {
    return null;
  }

  @Override
  public void setSchema(String schema) {}

  @Override
  public String getSchema() {
    return null;
  }

  @Override
  public void abort(Executor executor) {}

  @Override
  public <T> T unwrap(Class<T> wanted) {
    return wanted.cast(this);
  }

  @Override
  public boolean isWrapperFor(Class<?> wanted) {
    return wanted.isInstance(this);
  }

  // Statements and what belongs to them.

  @Override
  public Statement createStatement() throws SQLException {
    throw unused();
  }

  @Override
  public Statement createStatement(int a, int b) throws SQLException {
    throw unused();
  }

  @Override
  public Statement createStatement(int a, int b, int c) throws SQLException {
    throw unused();
  }

  @Override
  public PreparedStatement prepareStatement(String sql) throws SQLException {
    throw unused();
  }

  @Override
  public PreparedStatement prepareStatement(String sql, int a) throws SQLException {
    throw unused();
  }

  @Override
  public PreparedStatement prepareStatement(String sql, int[] a) throws SQLException {
    throw unused();
  }

  @Override
  public PreparedStatement prepareStatement(String sql, String[] a) throws SQLException {
    throw unused();
  }

  @Override
  public PreparedStatement prepareStatement(String sql, int a, int b) throws SQLException {
    throw unused();
  }

  @Override
  public PreparedStatement prepareStatement(String sql, int a, int b, int c) throws SQLException {
    throw unused();
  }

  @Override
  public CallableStatement prepareCall(String sql) throws SQLException {
    throw unused();
  }

  @Override
  public CallableStatement prepareCall(String sql, int a, int b) throws SQLException {
    throw unused();
  }

  @Override
  public CallableStatement prepareCall(String sql, int a, int b, int c) throws SQLException {
    throw unused();
  }

  @Override
  public String nativeSQL(String sql) throws SQLException {
    throw unused();
  }

  @Override
  public DatabaseMetaData getMetaData() throws SQLException {
    throw unused();
  }

  @Override
  public Map<String, Class<?>> getTypeMap() throws SQLException {
    throw unused();
  }

  @Override
  public void setTypeMap(Map<String, Class<?>> map) throws SQLException {
    throw unused();
  }

  @Override
  public void setHoldability(int holdability) throws SQLException {
    throw unused();
  }

  @Override
  public int getHoldability() throws SQLException {
    throw unused();
  }

  @Override
  public Savepoint setSavepoint() throws SQLException {
    throw unused();
  }

  @Override
  public Savepoint setSavepoint(String name) throws SQLException {
    throw unused();
  }

  @Override
  public void rollback(Savepoint savepoint) throws SQLException {
    throw unused();
  }

  @Override
  public void releaseSavepoint(Savepoint savepoint) throws SQLException {
    throw unused();
  }

  @Override
  public Clob createClob() throws SQLException {
    throw unused();
  }

  @Override
  public Blob createBlob() throws SQLException {
    throw unused();
  }

  @Override
  public NClob createNClob() throws SQLException {
    throw unused();
  }

  @Override
  public SQLXML createSQLXML() throws SQLException {
    throw unused();
  }

  @Override
  public String getClientInfo(String name) throws SQLException {
    throw unused();
  }

  @Override
  public Properties getClientInfo() throws SQLException {
    throw unused();
  }

  @Override
  public Array createArrayOf(String type, Object[] elements) throws SQLException {
    throw unused();
  }

  @Override
  public Struct createStruct(String type, Object[] attributes) throws SQLException {
    throw unused();
  }

  @Override
  public void setClientInfo(String name, String value) {}

  @Override
  public void setClientInfo(Properties properties) {}

  private static SQLException unused() {
    return new SQLFeatureNotSupportedException("no statements here");
  }
}
